//! Subjects' secrets on their way to another database: sealed in chunks under a key that is in a
//! file, and opened again.
//!
//! The way of cutting is STREAM (Hoang, Reyhanitabar, Rogaway, Vizár, "Online Authenticated-
//! Encryption and its Nonce-Reuse Misuse-Resistance", CRYPTO 2015), as the age format has it: each
//! export has a key of its own, and each chunk's nonce is its number and whether it is the last. So
//! a chunk that is missing, stands elsewhere, comes twice, or comes from another export is found.
//!
//! ```text
//! "precise-secrets" 1 │ salt, 32 │ number, 8, big end first │ last, 1 │ AES-256-GCM │ tag, 16
//! └────────────────────────── associated data ──────────────────────┘
//! ```

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit, Nonce, Tag};
use pgrx::pg_sys::{self, FunctionCallInfo};
use precise_core::hex;
use precise_core::value::Value;
use zeroize::{Zeroize, Zeroizing};

use crate::Outcome;
use crate::call::{Varlena, arguments, datum_of};
use crate::fault::Fault;

/// What a chunk begins with: what it is, and in which version.
const MAGIC: &[u8; 16] = b"precise-secrets\x01";
/// Behind the magic: what makes an export's key its own.
const SALT_LEN: usize = 32;
/// In front of what is encrypted: magic, salt, number, last.
const HEADER_LEN: usize = MAGIC.len() + SALT_LEN + 8 + 1;
const TAG_LEN: usize = 16;

/// What the key of an export is derived for, in BLAKE3's words.
const CONTEXT: &str = "precise 2026-11 export of subject secrets, AES-256-GCM";

/// A key is 64 digits; what is longer than this is none.
const KEY_FILE_LEN: usize = 128;

/// `precise.seal(key_file, salt, number, is_last, secrets)`: a chunk.
///
/// # Safety
///
/// `info` is a call by the server of a function that is declared with these arguments.
pub(crate) unsafe fn seal(info: FunctionCallInfo) -> Outcome {
    // SAFETY: the server's call has as many arguments as it says.
    let args = unsafe { arguments(info) };
    if args.iter().any(|arg| arg.isnull) {
        return Ok(None);
    }
    // SAFETY: these are of variable length, as declared, and not NULL.
    let [path, salt, secrets] = [0, 1, 4].map(|i| unsafe { Varlena::of(args[i].value) });
    let (number, is_last) = (args[2].value.value() as u64, args[3].value.value() != 0);
    let key = read_key(path.bytes())?;
    let secrets = secrets.bytes();
    let mut chunk = Vec::with_capacity(HEADER_LEN + secrets.len() + TAG_LEN);
    chunk.extend_from_slice(MAGIC);
    chunk.extend_from_slice(salt.bytes());
    chunk.extend_from_slice(&number.to_be_bytes());
    chunk.push(is_last.into());
    if chunk.len() != HEADER_LEN {
        return Err(Fault::new("22023", "the salt of an export is 32 bytes", "", ""));
    }
    chunk.extend_from_slice(secrets);
    let (header, body) = chunk.split_at_mut(HEADER_LEN);
    let tag = cipher(&key, header)
        .encrypt_inout_detached(&nonce(header), header, InOutBuf::from(body))
        .map_err(|_| Fault::new("54000", "too many secrets for one chunk", "", ""))?;
    chunk.extend_from_slice(&tag);
    Ok(datum_of(&Value::Bytes(chunk.into())))
}

/// `precise.unseal(key_file, first, number, is_last, chunk)`: the secrets of the chunk that stands
/// in this place behind the export's first.
///
/// # Safety
///
/// `info` is a call by the server of a function that is declared with these arguments.
pub(crate) unsafe fn unseal(info: FunctionCallInfo) -> Outcome {
    // SAFETY: the server's call has as many arguments as it says.
    let args = unsafe { arguments(info) };
    if args.iter().any(|arg| arg.isnull) {
        return Ok(None);
    }
    // SAFETY: these are of variable length, as declared, and not NULL.
    let [path, first, chunk] = [0, 1, 4].map(|i| unsafe { Varlena::of(args[i].value) });
    let (number, is_last) = (args[2].value.value() as u64, args[3].value.value() != 0);
    let key = read_key(path.bytes())?;
    let chunk = chunk.bytes();
    check_place(chunk, first.bytes(), number, is_last)?;
    let (header, sealed) = chunk.split_at(HEADER_LEN);
    let (body, tag) = sealed.split_at(sealed.len() - TAG_LEN);
    let mut secrets = Zeroizing::new(body.to_vec());
    let mut expected = Tag::default();
    expected.copy_from_slice(tag);
    let opened = cipher(&key, header).decrypt_inout_detached(
        &nonce(header),
        header,
        InOutBuf::from(secrets.as_mut_slice()),
        &expected,
    );
    match (opened, str::from_utf8(&secrets)) {
        (Ok(()), Ok(text)) => Ok(datum_of(&Value::Text(text.into()))),
        _ => Err(unusable(
            &format!("chunk {number} does not open with this key"),
            "Either the secrets were exported with another key, or the chunk was altered.",
        )),
    }
}

/// Whether a chunk says of itself that it is the one that is expected. That it says so in truth is
/// for its tag.
fn check_place(chunk: &[u8], first: &[u8], number: u64, is_last: bool) -> Result<(), Fault> {
    let salt_end = MAGIC.len() + SALT_LEN;
    if chunk.len() < HEADER_LEN + TAG_LEN || !chunk.starts_with(MAGIC) {
        return Err(unusable(
            "there is a chunk that is none of exported secrets",
            "precise.export_secrets makes them.",
        ));
    }
    if !first.starts_with(&chunk[..salt_end]) {
        return Err(unusable(
            "there are chunks of more than one export",
            "Import one export at a time.",
        ));
    }
    let (is, last) = (&chunk[salt_end..HEADER_LEN - 1], chunk[HEADER_LEN - 1]);
    match is.cmp(&number.to_be_bytes()[..]) {
        std::cmp::Ordering::Less => {
            Err(unusable(&format!("chunk {} is there twice", number - 1), "Load it once."))
        }
        std::cmp::Ordering::Greater => {
            Err(unusable(&format!("chunk {number} is missing"), "Load all of the export."))
        }
        std::cmp::Ordering::Equal if last == u8::from(is_last) => Ok(()),
        std::cmp::Ordering::Equal if is_last => {
            Err(unusable("the end of the export is missing", "Load all of it."))
        }
        std::cmp::Ordering::Equal => {
            Err(unusable("there are chunks behind the last", "Load one export, once."))
        }
    }
}

#[cold]
fn unusable(message: &str, hint: &str) -> Fault {
    Fault::new("22000", message, "Nothing was imported.", hint)
}

/// The cipher of the export that a chunk with this header is of.
fn cipher(key: &[u8; 32], header: &[u8]) -> Aes256Gcm {
    let salt = &header[MAGIC.len()..MAGIC.len() + SALT_LEN];
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    hasher.update(key).update(salt);
    let mut derived = hasher.finalize();
    let cipher = Aes256Gcm::new(derived.as_bytes().into());
    hasher.zeroize();
    derived.zeroize();
    cipher
}

/// A chunk's number and whether it is the last, in the last bytes of 12: never twice under one key.
fn nonce(header: &[u8]) -> Nonce<aes_gcm::aead::consts::U12> {
    let place = &header[MAGIC.len() + SALT_LEN..];
    let mut nonce = Nonce::default();
    nonce[12 - place.len()..].copy_from_slice(place);
    nonce
}

/// The key in a file, for who may read the server's files.
///
/// A key in a statement would stand in logs, in pg_stat_activity, and in a client's history.
fn read_key(path: &[u8]) -> Result<Zeroizing<[u8; 32]>, Fault> {
    // SAFETY: calls into the server, about its current role.
    let may_read = unsafe {
        let role = pg_sys::Oid::from_u32(pg_sys::ROLE_PG_READ_SERVER_FILES);
        pg_sys::has_privs_of_role(pg_sys::GetUserId(), role)
    };
    if !may_read {
        return Err(Fault::new(
            "42501",
            "permission denied to read a key file",
            "The key is in a file of the server's.",
            "Only superusers and members of pg_read_server_files may name one.",
        ));
    }
    let path = Path::new(OsStr::from_bytes(path));
    let shown = path.display();
    if !path.is_absolute() {
        return Err(Fault::new(
            "22023",
            &format!("the path of the key file, \"{shown}\", is not absolute"),
            "",
            "The file is on the server's machine.",
        ));
    }
    let refused = |why: &str, hint: &str| {
        Fault::new("F0000", &format!("cannot use key file \"{shown}\": {why}"), "", hint)
    };
    let failed = |error: io::Error| {
        let sqlstate = match error.kind() {
            io::ErrorKind::NotFound => "58P01",
            io::ErrorKind::PermissionDenied => "42501",
            _ => "58030",
        };
        let message = format!("cannot read key file \"{shown}\": {error}");
        Fault::new(sqlstate, &message, "", "The server's account reads it, on its own machine.")
    };
    // Looked at before it is opened: to open a pipe is to wait for its other end.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(refused("it is not a regular file", "Name a file of 64 hex digits."));
    }
    let mut file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.permissions().mode() & 0o077 != 0 {
        return Err(refused(
            "its group or others have access to it",
            "chmod 600, with the server's account as its owner.",
        ));
    }
    let mut text = Zeroizing::new([0; KEY_FILE_LEN]);
    let mut len = 0;
    while len < text.len() {
        match file.read(&mut text[len..]) {
            Ok(0) => break,
            Ok(read) => len += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
    // As the command line reads a secret: in either case, perhaps with 0x before.
    text.make_ascii_lowercase();
    let digits = text[..len].trim_ascii();
    hex::parse_digits(digits.strip_prefix(b"0x").unwrap_or(digits)).map(Zeroizing::new).ok_or_else(
        || refused("it does not hold a key", "A key is 64 hex digits: openssl rand -hex 32"),
    )
}
