//! Names by number (cohorts, contributors): each text is kept once.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::error::{Code, Error, Result};

/// Distinct names that one aggregate may have.
pub(crate) const MAX_NAMES: usize = 1 << 20;

/// Names, numbered from 0 in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    /// By their bytes.
    numbers: BTreeMap<Arc<[u8]>, u32>,
    /// By their numbers.
    texts: Vec<Arc<[u8]>>,
    recent: Recent,
    text_len: usize,
}

impl Names {
    /// The number of a name, a new one if it has none.
    ///
    /// Error: PR906.
    #[inline]
    pub(crate) fn number(&mut self, text: &[u8]) -> Result<u32> {
        let slot = hash(text);
        let recent = self.recent.get(slot);
        match self.texts.get(recent as usize) {
            Some(known) if **known == *text => Ok(recent),
            _ => self.find_or_add(text, slot),
        }
    }

    fn find_or_add(&mut self, text: &[u8], slot: u64) -> Result<u32> {
        let number = if let Some(&number) = self.numbers.get(text) {
            number
        } else {
            if self.texts.len() == MAX_NAMES {
                let detail = alloc::format!("more than {MAX_NAMES} distinct names");
                return Err(Error::new(Code::CohortCount).because(detail));
            }
            let number = self.texts.len() as u32;
            let text: Arc<[u8]> = text.into();
            self.text_len += text.len();
            self.texts.push(text.clone());
            self.numbers.insert(text, number);
            self.recent.fit(self.texts.len());
            number
        };
        self.recent.put(slot, number);
        Ok(number)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    /// The name of a number.
    pub(crate) fn text(&self, number: u32) -> &[u8] {
        &self.texts[number as usize]
    }

    /// All, sorted by their bytes.
    pub(crate) fn sorted(&self) -> impl Iterator<Item = (&[u8], u32)> {
        self.numbers.iter().map(|(text, &number)| (&**text, number))
    }

    /// Bytes of memory held, nearly.
    pub(crate) fn size(&self) -> usize {
        // Two pointers to each text, its two counts, and its number, in nodes that are not full.
        self.text_len + self.texts.len() * 72 + self.recent.size()
    }
}

/// Which number was found last for a hash. It saves the search of a tree for what comes all the
/// time, and whatever texts somebody may think up, it costs no more than that search.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recent {
    slots: Vec<u32>,
}

impl Recent {
    /// A megabyte.
    const MAX_LEN: usize = 1 << 18;

    /// The number, to be checked, since many hashes share a slot. One that nothing has if there is
    /// none.
    #[inline]
    pub(crate) fn get(&self, hash: u64) -> u32 {
        self.slots.get(self.slot(hash)).copied().unwrap_or(u32::MAX)
    }

    pub(crate) fn put(&mut self, hash: u64, number: u32) {
        let slot = self.slot(hash);
        if let Some(place) = self.slots.get_mut(slot) {
            *place = number;
        }
    }

    /// Makes room for `count` numbers, four slots each, so that few collide.
    pub(crate) fn fit(&mut self, count: usize) {
        if self.slots.len() < Self::MAX_LEN && self.slots.len() < 4 * count {
            let len = (8 * count).next_power_of_two().min(Self::MAX_LEN);
            self.slots.clear();
            self.slots.resize(len, u32::MAX);
        }
    }

    pub(crate) fn size(&self) -> usize {
        self.slots.len() * size_of::<u32>()
    }

    /// The upper half of a hash is the good one, and has more bits than there are slots.
    #[inline]
    fn slot(&self, hash: u64) -> usize {
        (hash >> 32) as usize & self.slots.len().wrapping_sub(1)
    }
}

/// Mixes eight bytes.
#[inline]
pub(crate) fn mix(word: u64) -> u64 {
    // 2^64 divided by the golden ratio.
    word.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Both ends and the length: names differ there.
#[inline]
fn hash(text: &[u8]) -> u64 {
    let ends = match (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        (Some(front), Some(back)) => mix(u64::from_le_bytes(*front)) ^ u64::from_le_bytes(*back),
        _ => text.iter().fold(0, |word, &byte| word << 8 | u64::from(byte)),
    };
    mix(ends ^ text.len() as u64)
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;

    use super::*;

    /// Names that share a slot, both of whose ends are alike, are told apart all the same.
    #[test]
    fn a_name_keeps_its_number() -> Result<()> {
        let mut names = Names::default();
        let texts: Vec<_> = (0..5000)
            .flat_map(|i| {
                [format!("{i}"), format!("cohort_of_{i:04}_and_others"), format!("{i}\u{e9}")]
            })
            .collect();
        for _ in 0..2 {
            for (number, text) in (0..).zip(&texts) {
                assert_eq!(names.number(text.as_bytes())?, number);
                assert_eq!(names.text(number), text.as_bytes());
            }
        }
        let mut sorted: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
        sorted.sort_unstable();
        assert!(names.sorted().map(|(text, _)| text).eq(sorted));
        Ok(())
    }

    #[test]
    fn names_are_counted() -> Result<()> {
        let mut names = Names::default();
        for i in 0..MAX_NAMES as u32 {
            names.number(&i.to_be_bytes())?;
        }
        let refused = names.number(b"one more");
        assert_eq!(refused.map_err(|error| error.code()), Err(Code::CohortCount));
        assert_eq!(names.number(&7_u32.to_be_bytes())?, 7);
        assert_eq!(names.len(), MAX_NAMES);
        Ok(())
    }
}
