//! Where an account stands: its ancestors from the root down, each with the generation of its own place.
//!
//! An account stores its whole lineage, so that rights and suspension are decided from one item. A move of an ancestor
//! raises that ancestor's *generation*; a lineage that names an older generation is stale, and every write that relies
//! on it is refused by the ancestor's gate (see `docs/adr/0003-gates.md`) until it has been resolved again.

use std::fmt;
use std::str::FromStr;

use crate::id::AccountId;

/// The deepest an account may stand; the operator stands at 0, a master reseller at 1.
pub const MAX_DEPTH: usize = 8;

/// One ancestor and the generation of its place when the lineage was written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Step {
    /// The ancestor.
    pub id: AccountId,
    /// How often the ancestor itself had been moved.
    pub generation: u32,
}

/// The ancestors of an account, root first, the account itself left out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Lineage(Vec<Step>);

/// A child would stand deeper than [`MAX_DEPTH`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an account may stand at most {MAX_DEPTH} levels below the operator")]
pub struct TooDeep;

/// A stored lineage could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("stored lineage {0:?} is malformed")]
pub struct LineageError(String);

impl Lineage {
    /// The lineage of the root: no ancestors.
    pub fn root() -> Self {
        Self::default()
    }

    /// The lineage of a child of `parent`, which stands at `self` in generation `generation`.
    ///
    /// # Errors
    /// [`TooDeep`] if the child would stand below [`MAX_DEPTH`].
    pub fn child(&self, parent: &AccountId, generation: u32) -> Result<Self, TooDeep> {
        if self.depth() + 1 > MAX_DEPTH {
            return Err(TooDeep);
        }
        let mut steps = self.0.clone();
        steps.push(Step { id: parent.clone(), generation });
        Ok(Self(steps))
    }

    /// The lineage of a child wherever it already stands: a limit is held where accounts are made and moved, and must not
    /// make an account unreadable that slipped below it.
    pub fn beneath(&self, parent: &AccountId, generation: u32) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step { id: parent.clone(), generation });
        Self(steps)
    }

    /// The parent with its own lineage; `None` for the root.
    pub fn above(&self) -> Option<(AccountId, Lineage)> {
        let (last, rest) = self.0.split_last()?;
        Some((last.id.clone(), Lineage(rest.to_vec())))
    }

    /// The account right below the root at or above `own`; `None` for the root.
    pub fn top<'a>(&'a self, own: &'a AccountId) -> Option<&'a AccountId> {
        match self.0.as_slice() {
            [] => None,
            [_] => Some(own),
            [_, top, ..] => Some(&top.id),
        }
    }

    /// Levels below the root: 0 for the root itself.
    pub fn depth(&self) -> usize {
        self.0.len()
    }

    /// The immediate parent; `None` for the root.
    pub fn parent(&self) -> Option<&AccountId> {
        self.0.last().map(|step| &step.id)
    }

    /// The ancestors from the root down.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The ancestors' ids from the root down.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = &AccountId> {
        self.0.iter().map(|step| &step.id)
    }

    /// Whether `id` is an ancestor.
    pub fn has(&self, id: &AccountId) -> bool {
        self.0.iter().any(|step| &step.id == id)
    }

    /// The ancestors strictly below `top`, or all of them if `top` is not among them.
    pub fn below(&self, top: &AccountId) -> &[Step] {
        match self.0.iter().position(|step| &step.id == top) {
            Some(at) => &self.0[at + 1..],
            None => &self.0,
        }
    }

    /// The path as people and indexes see it: ids joined by `/`, the account last.
    pub fn path(&self, own: &AccountId) -> String {
        let mut path = String::with_capacity((self.0.len() + 1) * 31);
        for id in self.ids() {
            path.push_str(id.as_str());
            path.push('/');
        }
        path.push_str(own.as_str());
        path
    }
}

impl fmt::Display for Lineage {
    /// The stored form: `acc_…:generation` joined by `/`; empty for the root.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            let slash = if at == 0 { "" } else { "/" };
            write!(f, "{slash}{}:{}", step.id, step.generation)?;
        }
        Ok(())
    }
}

impl serde::Serialize for Lineage {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Lineage {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <String as serde::Deserialize>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl FromStr for Lineage {
    type Err = LineageError;

    fn from_str(text: &str) -> Result<Self, LineageError> {
        if text.is_empty() {
            return Ok(Self::root());
        }
        let step = |part: &str| {
            let (id, generation) = part.split_once(':')?;
            Some(Step { id: id.parse().ok()?, generation: generation.parse().ok()? })
        };
        text.split('/').map(step).collect::<Option<Vec<_>>>().map(Self).ok_or_else(|| LineageError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn id(n: u128) -> AccountId {
        AccountId::from_uuid(Uuid::from_u128(n))
    }

    #[test]
    fn a_lineage_reads_back_and_knows_its_parent_and_depth() {
        let lineage = Lineage::root().child(&id(1), 0).and_then(|l| l.child(&id(2), 7)).expect("shallow");
        assert_eq!(lineage.to_string().parse::<Lineage>(), Ok(lineage.clone()));
        assert_eq!((lineage.depth(), lineage.parent()), (2, Some(&id(2))));
        assert!(lineage.has(&id(1)) && !lineage.has(&id(3)));
        assert_eq!(lineage.below(&id(1)).len(), 1);
        assert!("acc_x:1".parse::<Lineage>().is_err());
    }

    #[test]
    fn depth_ends_at_eight() {
        let mut lineage = Lineage::root();
        for n in 0..8 {
            lineage = lineage.child(&id(n), 0).expect("within the limit");
        }
        assert_eq!(lineage.child(&id(9), 0), Err(TooDeep));
    }
}
