//! `doctor`: what can be checked of a deployment without an AWS account, and of a running one from outside.

mod artifacts;
mod functions;
mod live;
mod parameters;
mod report;
mod resources;
mod samconfig;
mod secrets;
mod template;

mod tools;

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::Context;
use crate::args::text;
use crate::failure::Failure;
use report::{Level, Report};
use samconfig::{SamConfig, Settings};
use template::{Stack, Template};

/// Shown under the help.
pub const EXAMPLES: &str = "\
Examples:
  tributary doctor --env prod
  tributary doctor --env prod --url https://api.example.com
  tributary --json doctor --env prod | jq -r '.checks[] | select(.level == \"problem\") | .found'

A running deployment is looked at if --url or TRIBUTARY_URL is given; its key's checks need a key too.
Exit codes: 0 no problem, 1 at least one.";

/// The environment that stands under `default` where it has no section of its own.
const DEFAULT: &str = "default";

/// What is looked at.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The environment: a section of samconfig.toml
    #[arg(long, value_name = "ENVIRONMENT", default_value = "dev", value_parser = text())]
    env: String,

    /// The template; the workspace and its documents are looked for beside it
    #[arg(long, value_name = "FILE", default_value = "template.yaml")]
    template: PathBuf,

    /// What sam is told; beside the template unless told otherwise
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Where sam build puts programs; .aws-sam/build beside the template unless told otherwise
    #[arg(long, value_name = "DIR")]
    build_dir: Option<PathBuf>,
}

/// A deployment as its files describe it.
struct Project {
    template: Template,
    environment: String,
    build: Settings,
    deploy: Settings,
    stack: Stack,
    production: bool,
}

/// Looks at everything and shows what was found.
///
/// # Errors
/// [`Failure::Unfit`] if something is to be changed before a deployment.
pub fn run(context: &Context, args: &Args, live: bool) -> Result<(), Failure> {
    let mut report = Report::default();
    let root = beside(&args.template);
    tools::check(&mut report, &root);
    offline(&mut report, args, &root);
    if live {
        live::check(&mut report, context);
    } else {
        report.group("Running");
        report.skipped("running API", "no address was given, so nothing of a running deployment was looked at", "give --url");
    }
    let mut document = report.document();
    document["environment"] = json!(args.env);
    context.output.show(&document, || Ok::<_, Failure>(report.render(context.output.style)))?;
    match report.count(Level::Problem) {
        0 => Ok(()),
        problems => Err(Failure::Unfit { problems }),
    }
}

/// The directory that a file is in.
fn beside(file: &Path) -> PathBuf {
    file.parent().map(Path::to_owned).unwrap_or_default()
}

/// All checks of files.
fn offline(report: &mut Report, args: &Args, root: &Path) {
    report.group("Files");
    let config_file = args.config.clone().unwrap_or_else(|| root.join("samconfig.toml"));
    let read = |file: &Path| std::fs::read_to_string(file).map_err(|error| error.to_string());
    let template_text = read(&args.template);
    let config_text = read(&config_file);
    let template = template_text.as_ref().map_err(String::clone).and_then(|text| Template::parse(text));
    let config = config_text.as_ref().map_err(String::clone).and_then(|text| SamConfig::parse(text).map_err(|error| error.to_string()));
    let mut show = |check, file: &Path, wrong: Option<&String>| match wrong {
        None => report.ok(check, file.display().to_string()),
        Some(why) => report.problem(check, format!("{}: {why}", file.display()), format!("--{check} names another file")),
    };
    show("template", &args.template, template.as_ref().err());
    show("config", &config_file, config.as_ref().err());

    if let Ok(template) = template {
        let project = Project::of(report, template, config.as_ref().ok(), &args.env);
        if config.is_ok() {
            parameters::check(report, &project);
            parameters::check_production(report, &project);
        }
        functions::check(report, &project.stack, root);
        resources::check(report, &project.stack, root);
        let build_dir = args.build_dir.clone().unwrap_or_else(|| root.join(".aws-sam/build"));
        artifacts::check(report, &project.stack, root, &build_dir, &args.template);
    }
    let files = [(&args.template, &template_text), (&config_file, &config_text)];
    let files: Vec<_> = files.into_iter().filter_map(|(file, text)| Some((file.display().to_string(), text.as_deref().ok()?))).collect();
    if !files.is_empty() {
        secrets::check(report, &files);
    }
}

impl Project {
    fn of(report: &mut Report, template: Template, config: Option<&SamConfig>, asked: &str) -> Self {
        let environment = config.map_or_else(|| asked.to_owned(), |config| section(report, config, asked));
        let settings = |command: &str| config.map(|config| config.settings(&environment, command)).unwrap_or_default();
        let (build, deploy) = (settings("build"), settings("deploy"));
        let stack = template.stack(&deploy.overrides().0);
        let production = asked == "prod" || stack.parameter("Environment") == "prod";
        let named = stack.parameter("Environment");
        if production && named != "prod" && !named.is_empty() {
            report.problem(
                "environment",
                format!("{asked} deploys Environment={named}"),
                format!("give Environment=prod under {environment}.deploy"),
            );
        }
        Self { template, environment, build, deploy, stack, production }
    }
}

/// The section of an environment. `sam` takes one that does not exist for an empty one, and says nothing.
fn section(report: &mut Report, config: &SamConfig, asked: &str) -> String {
    let known = config.environments();
    if known.contains(&asked) {
        report.ok("environment", asked);
        return asked.to_owned();
    }
    if asked == "dev" && known.contains(&DEFAULT) {
        report.warning(
            "environment",
            "there is no section [dev]: [default] is looked at",
            "give sam no --config-env for it; it takes an unknown one for empty",
        );
        return DEFAULT.to_owned();
    }
    report.problem("environment", format!("there is no section [{asked}]; there are {}", known.join(", ")), "name one with --env");
    asked.to_owned()
}

#[cfg(test)]
mod tests;
