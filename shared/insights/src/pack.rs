//! Bytes of a roster: columns of fixed width that are read with hardly more than a copy, and varints where most values are
//! small. Packed as a whole by deflate.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

/// The bytes do not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes of a roster do not read: {0}")]
pub struct Unreadable(pub &'static str);

/// No roster of ours is larger, unpacked.
const MAX_BYTES: u64 = 1 << 30;

const SHORT: Unreadable = Unreadable("they end too early");

/// What is being written.
#[derive(Debug, Default)]
pub struct Packer(Vec<u8>);

impl Packer {
    /// Begins with a mark that says what it is.
    pub fn new(mark: &[u8; 4]) -> Self {
        Self(mark.to_vec())
    }

    /// A whole number, in fewer bytes the smaller it is.
    pub fn number(&mut self, number: i64) {
        // Zigzag, so that small numbers below zero are short too.
        let mut left = ((number << 1) ^ (number >> 63)).cast_unsigned();
        while left >= 0x80 {
            self.0.push(u8::try_from(left & 0x7f).unwrap_or_default() | 0x80);
            left >>= 7;
        }
        self.0.push(u8::try_from(left).unwrap_or_default());
    }

    /// A length.
    pub fn length(&mut self, length: usize) {
        self.number(i64::try_from(length).unwrap_or(i64::MAX));
    }

    /// An id.
    pub fn id(&mut self, id: u128) {
        self.0.extend_from_slice(&id.to_le_bytes());
    }

    /// A column of numbers.
    pub fn column(&mut self, numbers: &[i64]) {
        self.length(numbers.len());
        self.0.reserve(numbers.len() * 8);
        numbers.iter().for_each(|number| self.0.extend_from_slice(&number.to_le_bytes()));
    }

    /// A column of ids.
    pub fn ids(&mut self, ids: &[u128]) {
        self.length(ids.len());
        ids.iter().for_each(|id| self.id(*id));
    }

    /// Bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    /// All of it, packed.
    ///
    /// # Errors
    /// None: it is written to memory.
    pub fn packed(self) -> std::io::Result<Vec<u8>> {
        let mut packer = DeflateEncoder::new(Vec::with_capacity(self.0.len() / 3), Compression::fast());
        packer.write_all(&self.0)?;
        packer.finish()
    }
}

/// Unpacks what [`Packer::packed`] made.
///
/// # Errors
/// [`Unreadable`].
pub fn unpacked(bytes: &[u8]) -> Result<Vec<u8>, Unreadable> {
    let mut all = Vec::with_capacity(bytes.len() * 4);
    DeflateDecoder::new(bytes).take(MAX_BYTES).read_to_end(&mut all).map_err(|_| Unreadable("they do not unpack"))?;
    Ok(all)
}

/// What is being read.
#[derive(Debug)]
pub struct Unpacker<'a>(&'a [u8]);

impl<'a> Unpacker<'a> {
    /// Begins, if the bytes are what is wanted.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn new(bytes: &'a [u8], mark: &[u8; 4]) -> Result<Self, Unreadable> {
        bytes.strip_prefix(mark.as_slice()).map(Self).ok_or(Unreadable("they are something else, or of another layout"))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Unreadable> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(SHORT)?;
        self.0 = rest;
        Ok(taken)
    }

    /// A whole number.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn number(&mut self) -> Result<i64, Unreadable> {
        let (mut number, mut shift) = (0_u64, 0_u32);
        loop {
            let (byte, rest) = self.0.split_first().ok_or(SHORT)?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f).checked_shl(shift).ok_or(Unreadable("a number is too long"))?;
            if byte & 0x80 == 0 {
                return Ok((number >> 1).cast_signed() ^ -((number & 1).cast_signed()));
            }
            shift += 7;
        }
    }

    /// A length.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn length(&mut self) -> Result<usize, Unreadable> {
        usize::try_from(self.number()?).map_err(|_| Unreadable("a length is none"))
    }

    /// An id.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn id(&mut self) -> Result<u128, Unreadable> {
        let bytes = self.take(16)?.try_into().map_err(|_| SHORT)?;
        Ok(u128::from_le_bytes(bytes))
    }

    /// A column of numbers.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn column(&mut self) -> Result<Vec<i64>, Unreadable> {
        let length = self.length()?.checked_mul(8).ok_or(SHORT)?;
        Ok(self.take(length)?.as_chunks::<8>().0.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect())
    }

    /// A column of ids.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn ids(&mut self) -> Result<Vec<u128>, Unreadable> {
        let length = self.length()?.checked_mul(16).ok_or(SHORT)?;
        Ok(self.take(length)?.as_chunks::<16>().0.iter().map(|bytes| u128::from_le_bytes(*bytes)).collect())
    }

    /// Bytes.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn bytes(&mut self) -> Result<&'a [u8], Unreadable> {
        let length = self.length()?;
        self.take(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_size_read_back_and_cut_bytes_are_refused() {
        let numbers = [0, 1, -1, 63, 64, -64, -65, 300, i64::MAX, i64::MIN];
        let mut packer = Packer::new(b"test");
        numbers.iter().for_each(|number| packer.number(*number));
        packer.column(&numbers);
        packer.ids(&[7, u128::MAX]);
        packer.bytes(b"end");
        let bytes = unpacked(&packer.packed().expect("packed")).expect("unpacked");
        let mut read = Unpacker::new(&bytes, b"test").expect("marked");
        for number in numbers {
            assert_eq!(read.number(), Ok(number));
        }
        assert_eq!(read.column(), Ok(numbers.to_vec()));
        assert_eq!(read.ids(), Ok(vec![7, u128::MAX]));
        assert_eq!(read.bytes(), Ok(b"end".as_slice()));
        assert_eq!(read.number(), Err(SHORT));
        assert!(Unpacker::new(&bytes, b"else").is_err());
        assert!(unpacked(b"no deflate").is_err());
    }
}
