//! The texts of a roster's rows: one heap, and where each row's lies.

use crate::pack::{Packer, Unpacker, Unreadable};

/// Texts, one for each row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Texts {
    bytes: Vec<u8>,
    at: Vec<(u32, u32)>,
}

impl Texts {
    /// The text of a row; empty if it has none.
    pub(crate) fn get(&self, row: usize) -> &str {
        std::str::from_utf8(self.raw(row)).unwrap_or_default()
    }

    /// The same as bytes.
    pub(crate) fn raw(&self, row: usize) -> &[u8] {
        let (from, to) = self.at.get(row).copied().unwrap_or_default();
        self.bytes.get(from as usize..to as usize).unwrap_or_default()
    }

    /// Adds a row's text.
    pub(crate) fn push(&mut self, text: &str) {
        let place = self.add(text);
        self.at.push(place);
    }

    /// Changes a row's text; the old one stays among the bytes until it is packed.
    pub(crate) fn set(&mut self, row: usize, text: &str) {
        if self.get(row) != text {
            let place = self.add(text);
            self.at[row] = place;
        }
    }

    /// Of how many rows it has a text.
    pub(crate) fn rows(&self) -> usize {
        self.at.len()
    }

    /// Bytes it takes in memory.
    pub(crate) fn weight(&self) -> usize {
        self.bytes.len() + 8 * self.at.len()
    }

    fn add(&mut self, text: &str) -> (u32, u32) {
        let at = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let from = at(self.bytes.len());
        self.bytes.extend_from_slice(text.as_bytes());
        (from, at(self.bytes.len()))
    }

    /// Packs the texts of the rows in this order.
    pub(crate) fn pack(&self, order: &[usize], packer: &mut Packer) {
        let ends: Vec<i64> = order
            .iter()
            .scan(0_i64, |end, row| {
                *end += i64::try_from(self.raw(*row).len()).unwrap_or(0);
                Some(*end)
            })
            .collect();
        packer.column(&ends);
        packer.bytes(&order.iter().flat_map(|row| self.raw(*row)).copied().collect::<Vec<_>>());
    }

    /// Texts as they were packed.
    pub(crate) fn unpack(unpacker: &mut Unpacker<'_>) -> Result<Self, Unreadable> {
        let ends = unpacker.column()?;
        let bytes = unpacker.bytes()?.to_vec();
        let mut at = Vec::with_capacity(ends.len());
        let mut from = 0_u32;
        for end in ends {
            let to = u32::try_from(end).ok().filter(|to| *to >= from && *to as usize <= bytes.len());
            let to = to.ok_or(Unreadable("a text has no end"))?;
            at.push((from, to));
            from = to;
        }
        Ok(Self { bytes, at })
    }
}
