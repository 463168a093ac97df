//! How far a long command is: a bar on standard error, and only on a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar over so many bytes.
pub fn bar(bytes: u64) -> ProgressBar {
    styled(ProgressBar::new(bytes), "{bar:30} {percent:>3} %  {msg}  {eta_precise} left")
}

/// Something that turns while an end cannot be foreseen.
pub fn spinner() -> ProgressBar {
    let spinner = styled(ProgressBar::new_spinner(), "{spinner} {msg}  {elapsed_precise}");
    spinner.enable_steady_tick(Duration::from_millis(200));
    spinner
}

fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_sound() {
        for template in ["{bar:30} {percent:>3} %  {msg}  {eta_precise} left", "{spinner} {msg}  {elapsed_precise}"] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
        assert_eq!(bar(10).length(), Some(10));
    }
}
