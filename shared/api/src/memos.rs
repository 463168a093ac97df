//! What a process remembers of what it made out of blobs, by name. A name says what is remembered and of which version, so
//! nothing here is ever out of date; what was asked for the longest ago makes room for the rest.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// How much is remembered, in bytes as those who remember it count them.
const MOST_BYTES: usize = 256 * 1024 * 1024;

/// What a process remembers. Cheap to make; shared by every request of the process.
#[derive(Default)]
pub struct Memos(Mutex<Vec<Memo>>);

struct Memo {
    name: String,
    bytes: usize,
    value: Arc<dyn Any + Send + Sync>,
}

impl fmt::Debug for Memos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memos").finish_non_exhaustive()
    }
}

impl Memos {
    /// What is remembered under a name.
    pub fn get<T: Any + Send + Sync>(&self, name: &str) -> Option<Arc<T>> {
        let mut memos = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = memos.iter().position(|memo| memo.name == name)?;
        let memo = memos.remove(at);
        let value = Arc::clone(&memo.value);
        memos.push(memo);
        value.downcast().ok()
    }

    /// Remembers a value of so many bytes under a name. One that is larger than everything together is not remembered.
    pub fn keep<T: Any + Send + Sync>(&self, name: &str, bytes: usize, value: Arc<T>) {
        if bytes > MOST_BYTES {
            return;
        }
        let mut memos = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        memos.retain(|memo| memo.name != name);
        memos.push(Memo { name: name.to_owned(), bytes, value });
        while memos.iter().map(|memo| memo.bytes).sum::<usize>() > MOST_BYTES {
            memos.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_the_longest_ago_makes_room() {
        let memos = Memos::default();
        memos.keep("a", MOST_BYTES / 2, Arc::new(1_u8));
        memos.keep("b", MOST_BYTES / 2, Arc::new(2_u8));
        assert_eq!(memos.get::<u8>("a").as_deref(), Some(&1));
        memos.keep("c", 1, Arc::new(3_u8));
        assert_eq!((memos.get::<u8>("a").is_some(), memos.get::<u8>("b"), memos.get::<u8>("c").is_some()), (true, None, true));
        memos.keep("d", MOST_BYTES + 1, Arc::new(4_u8));
        assert_eq!((memos.get::<u8>("d"), memos.get::<u16>("a")), (None, None));
    }
}
