//! States that outgrew their memory, in temporary files of the server's: as bytes that the core
//! sorted, and reads again side by side.
//!
//! ```text
//!  rank 0   each as large as memory allowed      ▪▪▪▪▪▪▪
//!  rank 1   sixteen of rank 0, joined            ▬▬▬
//!  rank 2   sixteen of rank 1                    ▬▬▬▬▬▬▬▬
//! ```
//!
//! So no more than fifteen of a rank stay, and a hash is written once for each rank.
//!
//! A file is gone when its run is dropped: when the server frees the memory that the state lives
//! in, be it at the end of the query, at the next partition of a window, or because of an error.
//! The transaction does not own it, since it would close it then by itself, before or after that.
//! The server puts such files into the database's tablespace, not those of `temp_tablespaces`.

use std::io;

use pgrx::pg_sys;
use precise_core::value::StoredState;

use crate::fault::Fault;

/// As many runs of one rank become one of the next.
const FAN_IN: usize = 16;

/// The fewest and the most bytes that go to or come from a file at a time.
const PIECE_LEN_MIN: usize = 8 << 10;
const PIECE_LEN_MAX: usize = 256 << 10;

/// Bytes that a query may hold for one of its steps, as the server's configuration says.
pub(crate) fn work_mem() -> usize {
    // SAFETY: the server's one thread sets it, and this is that thread.
    let kilobytes = unsafe { pg_sys::work_mem };
    usize::try_from(kilobytes).unwrap_or(0) << 10
}

/// The stored part of a state.
#[derive(Default)]
pub(crate) struct Runs(Vec<Run>);

struct Run {
    file: TemporaryFile,
    rank: u32,
}

impl Runs {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes that are stored.
    pub(crate) fn len(&self) -> u64 {
        self.0.iter().map(|run| run.file.len).sum()
    }

    /// Stores a state.
    pub(crate) fn push(&mut self, state: &[u8]) -> Result<(), Fault> {
        let mut file = TemporaryFile::new();
        file.append(state)?;
        self.0.push(Run { file, rank: 0 });
        Ok(())
    }

    /// Takes over those of another state.
    pub(crate) fn append(&mut self, other: &mut Self) {
        self.0.append(&mut other.0);
    }

    /// The lowest rank of which there are so many that they should become one.
    pub(crate) fn full_rank(&self) -> Option<u32> {
        let count = |rank| self.0.iter().filter(|run| run.rank == rank).count();
        self.0.iter().map(|run| run.rank).filter(|&rank| count(rank) >= FAN_IN).min()
    }

    /// Makes one run of those of `rank`: `join` reads them and writes what they come to.
    pub(crate) fn join_rank(
        &mut self,
        rank: u32,
        join: impl FnOnce(&mut [&mut dyn StoredState], &mut dyn FnMut(&[u8])) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let (joined, others): (Vec<Run>, Vec<Run>) =
            std::mem::take(&mut self.0).into_iter().partition(|run| run.rank == rank);
        self.0 = others;
        let mut writer = Writer::new();
        read(&joined, |stored| join(stored, &mut |piece| writer.write(piece)))?;
        self.0.push(Run { file: writer.finish()?, rank: rank + 1 });
        Ok(())
    }

    /// Calls `body` with every run, to be read from its beginning.
    pub(crate) fn read<T>(
        &self,
        body: impl FnOnce(&mut [&mut dyn StoredState]) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        read(&self.0, body)
    }
}

fn read<T>(
    runs: &[Run],
    body: impl FnOnce(&mut [&mut dyn StoredState]) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let piece_len = (work_mem() / runs.len().max(1)).clamp(PIECE_LEN_MIN, PIECE_LEN_MAX);
    let mut readers: Vec<Reader<'_>> =
        runs.iter().map(|run| Reader::new(&run.file, piece_len)).collect();
    let mut stored: Vec<&mut dyn StoredState> =
        readers.iter_mut().map(|reader| reader as &mut dyn StoredState).collect();
    let result = body(&mut stored);
    // A state that could not be read to its end is not what it says.
    match readers.iter().find_map(|reader| reader.fault) {
        Some(fault) => Err(fault),
        None => result,
    }
}

/// Reads a file piece by piece.
struct Reader<'f> {
    file: &'f TemporaryFile,
    /// Where in the file the next piece begins.
    next: u64,
    piece: Vec<u8>,
    piece_len: usize,
    /// How much of the piece was taken.
    taken: usize,
    fault: Option<Fault>,
}

impl<'f> Reader<'f> {
    fn new(file: &'f TemporaryFile, piece_len: usize) -> Self {
        Self { file, next: 0, piece: Vec::new(), piece_len, taken: 0, fault: None }
    }

    /// Reads the next piece; an empty one at the end, and behind what could not be read.
    fn advance(&mut self) {
        pgrx::check_for_interrupts!();
        let left = usize::try_from(self.file.len - self.next).unwrap_or(usize::MAX);
        self.piece.resize(left.min(self.piece_len), 0);
        self.taken = 0;
        if let Err(fault) = self.file.read(self.next, &mut self.piece) {
            self.fault = Some(fault);
            self.next = self.file.len;
            self.piece.clear();
        }
        self.next += self.piece.len() as u64;
    }
}

impl StoredState for Reader<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> usize {
        let mut filled = 0;
        while filled < bytes.len() {
            if self.taken == self.piece.len() {
                self.advance();
                if self.piece.is_empty() {
                    break;
                }
            }
            let len = (bytes.len() - filled).min(self.piece.len() - self.taken);
            bytes[filled..filled + len].copy_from_slice(&self.piece[self.taken..self.taken + len]);
            self.taken += len;
            filled += len;
        }
        filled
    }
}

/// Writes a file piece by piece.
struct Writer {
    file: TemporaryFile,
    piece: Vec<u8>,
    fault: Option<Fault>,
}

impl Writer {
    fn new() -> Self {
        Self { file: TemporaryFile::new(), piece: Vec::new(), fault: None }
    }

    fn write(&mut self, bytes: &[u8]) {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE_LEN_MAX {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if self.fault.is_none() {
            self.fault = self.file.append(&self.piece).err();
        }
        self.piece.clear();
    }

    fn finish(mut self) -> Result<TemporaryFile, Fault> {
        self.flush();
        match self.fault {
            Some(fault) => Err(fault),
            None => Ok(self.file),
        }
    }
}

/// A file of the server's, which counts it and holds it to `temp_file_limit`.
struct TemporaryFile {
    file: pg_sys::File,
    len: u64,
}

impl TemporaryFile {
    fn new() -> Self {
        // SAFETY: a call into the server; `true`: no transaction closes the file.
        Self { file: unsafe { pg_sys::OpenTemporaryFile(true) }, len: 0 }
    }

    fn append(&mut self, mut bytes: &[u8]) -> Result<(), Fault> {
        while !bytes.is_empty() {
            let piece = &bytes[..bytes.len().min(PIECE_LEN_MAX)];
            // SAFETY: the file is open.
            let written = unsafe { write_at(self.file, self.len, piece) };
            if usize::try_from(written) != Ok(piece.len()) {
                return Err(failed("write to"));
            }
            self.len += piece.len() as u64;
            bytes = &bytes[piece.len()..];
        }
        Ok(())
    }

    /// Fills `bytes` with what stands at `offset`.
    fn read(&self, offset: u64, bytes: &mut [u8]) -> Result<(), Fault> {
        let mut filled = 0;
        while filled < bytes.len() {
            let rest = &mut bytes[filled..];
            // SAFETY: the file is open.
            let count = unsafe { read_at(self.file, offset + filled as u64, rest) };
            match usize::try_from(count) {
                Ok(count) if count > 0 => filled += count,
                _ => return Err(failed("read")),
            }
        }
        Ok(())
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        // SAFETY: the file is open, and nobody else closes it. What goes wrong is only logged.
        unsafe { pg_sys::FileClose(self.file) };
    }
}

/// How many bytes were written; below zero if none could be.
///
/// # Safety
///
/// The file is open.
#[cfg(not(feature = "pg18"))]
unsafe fn write_at(file: pg_sys::File, offset: u64, bytes: &[u8]) -> isize {
    // SAFETY: the server reads as many bytes as there are.
    let written = unsafe {
        pg_sys::FileWrite(
            file,
            bytes.as_ptr().cast_mut().cast(),
            bytes.len() as _,
            offset as pg_sys::off_t,
            pg_sys::WaitEventIO::WAIT_EVENT_BUFFILE_WRITE,
        )
    };
    written as isize
}

/// How many bytes were read, 0 at the end; below zero if none could be.
///
/// # Safety
///
/// The file is open.
#[cfg(not(feature = "pg18"))]
unsafe fn read_at(file: pg_sys::File, offset: u64, bytes: &mut [u8]) -> isize {
    // SAFETY: the server writes no more bytes than there is room for.
    let count = unsafe {
        pg_sys::FileRead(
            file,
            bytes.as_mut_ptr().cast(),
            bytes.len() as _,
            offset as pg_sys::off_t,
            pg_sys::WaitEventIO::WAIT_EVENT_BUFFILE_READ,
        )
    };
    count as isize
}

/// As before version 18, where the functions of one buffer are the header's, not the server's.
///
/// # Safety
///
/// The file is open.
#[cfg(feature = "pg18")]
unsafe fn write_at(file: pg_sys::File, offset: u64, bytes: &[u8]) -> isize {
    let buffer = pg_sys::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let wait = pg_sys::WaitEventIO::WAIT_EVENT_BUFFILE_WRITE;
    // SAFETY: it is one buffer, and the server reads as many bytes as there are.
    unsafe { pg_sys::FileWriteV(file, &raw const buffer, 1, offset as pg_sys::off_t, wait) }
}

/// As before version 18.
///
/// # Safety
///
/// The file is open.
#[cfg(feature = "pg18")]
unsafe fn read_at(file: pg_sys::File, offset: u64, bytes: &mut [u8]) -> isize {
    let buffer = pg_sys::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    let wait = pg_sys::WaitEventIO::WAIT_EVENT_BUFFILE_READ;
    // SAFETY: it is one buffer, and the server writes no more bytes than there is room for.
    unsafe { pg_sys::FileReadV(file, &raw const buffer, 1, offset as pg_sys::off_t, wait) }
}

/// What the last call of the system came to.
#[cold]
fn failed(what: &str) -> Fault {
    let error = io::Error::last_os_error();
    let sqlstate = match error.kind() {
        io::ErrorKind::StorageFull => "53100",
        _ => "58030",
    };
    Fault::new(sqlstate, &format!("cannot {what} a temporary file: {error}"), "", "")
}
