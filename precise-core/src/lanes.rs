//! BLAKE3 of many short records, side by side.
//!
//! A record of up to 1,024 bytes is one BLAKE3 chunk: a chain of 64-byte blocks, each waiting for
//! the one before it, so that a CPU's vector units idle. Records do not wait for each other: all
//! full blocks of 4, 8 or 16 records of equal block count run together, and each record keeps one
//! last compression of its own, because only there does its length count.
//! docs/benchmarks.md has what it brings.

use alloc::vec::Vec;

use blake3::IncrementCounter;
use blake3::platform::{Platform, le_bytes_from_words_32, words_from_le_bytes_32};

use crate::merkle::{Hash, SHA256_IV as IV};

const BLOCK_LEN: usize = 64;
const CHUNK_LEN: usize = 1024;

// BLAKE3 paper, section 2.1: the flags. The initial value is SHA-256's.
const CHUNK_START: u8 = 1;
const CHUNK_END: u8 = 2;
const ROOT: u8 = 8;

/// Records hashed in one call; the widest vector unit takes 16.
const LANES: usize = 16;

/// Blocks before the last one: 0 to 15 in a chunk.
const BUCKETS: usize = CHUNK_LEN / BLOCK_LEN;

/// Appends the BLAKE3 hash of each record to `hashes`, in order.
///
/// The records lie in `bytes` one behind the other; `ends` says where each one ends.
pub(crate) fn hash_each(bytes: &[u8], ends: &[usize], hashes: &mut Vec<Hash>) {
    // Nothing runs beside a single record.
    if let [end] = *ends {
        hashes.push(*blake3::hash(&bytes[..end]).as_bytes());
        return;
    }
    let first = hashes.len();
    hashes.resize(first + ends.len(), [0; 32]);
    let hashes = &mut hashes[first..];
    let record = |i: usize| &bytes[if i == 0 { 0 } else { ends[i - 1] }..ends[i]];

    // Short records, grouped by how many blocks come before the last.
    let mut buckets: [Vec<u32>; BUCKETS] = Default::default();
    for (i, hash) in hashes.iter_mut().enumerate() {
        let record = record(i);
        if record.len() > CHUNK_LEN {
            *hash = *blake3::hash(record).as_bytes();
        } else {
            buckets[record.len().saturating_sub(1) / BLOCK_LEN].push(i as u32);
        }
    }
    let platform = Platform::detect();
    for (blocks, bucket) in buckets.iter().enumerate() {
        for group in bucket.chunks(LANES) {
            let mut records: [&[u8]; LANES] = [&[]; LANES];
            for (to, &i) in records.iter_mut().zip(group) {
                *to = record(i as usize);
            }
            let records = &records[..group.len()];
            let mut states = [[0; 32]; LANES];
            let states = chain(platform, blocks, records, &mut states);
            for ((&i, record), state) in group.iter().zip(records).zip(states) {
                hashes[i as usize] = finish(platform, state, &record[blocks * BLOCK_LEN..], blocks);
            }
        }
    }
}

/// Runs the first `blocks` blocks of up to [`LANES`] records.
fn chain<'s>(
    platform: Platform,
    blocks: usize,
    records: &[&[u8]],
    states: &'s mut [Hash; LANES],
) -> &'s [Hash] {
    // The block count is a parameter of the type in BLAKE3's interface.
    match blocks {
        0 => states.fill(le_bytes_from_words_32(&IV)),
        1 => chain_blocks::<64>(platform, records, states),
        2 => chain_blocks::<128>(platform, records, states),
        3 => chain_blocks::<192>(platform, records, states),
        4 => chain_blocks::<256>(platform, records, states),
        5 => chain_blocks::<320>(platform, records, states),
        6 => chain_blocks::<384>(platform, records, states),
        7 => chain_blocks::<448>(platform, records, states),
        8 => chain_blocks::<512>(platform, records, states),
        9 => chain_blocks::<576>(platform, records, states),
        10 => chain_blocks::<640>(platform, records, states),
        11 => chain_blocks::<704>(platform, records, states),
        12 => chain_blocks::<768>(platform, records, states),
        13 => chain_blocks::<832>(platform, records, states),
        14 => chain_blocks::<896>(platform, records, states),
        15 => chain_blocks::<960>(platform, records, states),
        _ => unreachable!("a chunk has 16 blocks"),
    }
    states
}

fn chain_blocks<const LEN: usize>(
    platform: Platform,
    records: &[&[u8]],
    states: &mut [Hash; LANES],
) {
    let mut inputs: [&[u8; LEN]; LANES] = [&[0; LEN]; LANES];
    for (input, record) in inputs.iter_mut().zip(records) {
        *input = record.first_chunk().expect("the record was grouped by its block count");
    }
    platform.hash_many(
        &inputs[..records.len()],
        &IV,
        0,
        IncrementCounter::No,
        0,
        CHUNK_START,
        0, /* the last block comes later */
        states.as_flattened_mut(),
    );
}

fn finish(platform: Platform, state: &Hash, last: &[u8], blocks: usize) -> Hash {
    let mut block = [0; BLOCK_LEN];
    block[..last.len()].copy_from_slice(last);
    let start = if blocks == 0 { CHUNK_START } else { 0 };
    let mut words = words_from_le_bytes_32(state);
    let flags = start | CHUNK_END | ROOT;
    platform.compress_in_place(&mut words, &block, last.len() as u8, 0, flags);
    le_bytes_from_words_32(&words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_blake3_for_every_length_around_blocks_and_chunks() {
        let input: Vec<u8> = (0..3 * CHUNK_LEN).map(|i| (i % 251) as u8).collect();
        let lengths = || (0..=2 * CHUNK_LEN + 1).chain((0..700).map(|i| (i * 7919) % 1100));
        let mut bytes = Vec::new();
        let mut ends = Vec::new();
        for len in lengths() {
            bytes.extend_from_slice(&input[len % 13..len % 13 + len]);
            ends.push(bytes.len());
        }
        let mut hashes = alloc::vec![[7; 32]];
        hash_each(&bytes, &ends, &mut hashes);
        assert_eq!(hashes[0], [7; 32], "what was there stays");
        for (len, hash) in lengths().zip(&hashes[1..]) {
            let record = &input[len % 13..len % 13 + len];
            assert_eq!(hash, blake3::hash(record).as_bytes(), "length {len}");
        }
    }
}
