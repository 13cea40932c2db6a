//! The signing keys of a log, as files.
//!
//! A key file holds one line, `PRIVATE+KEY+…`: as it is, or as an age file in armor, sealed with a
//! passphrase or to recipients, so that the program `age` opens and makes such files too. It comes
//! under its name only when it is whole, is its owner's alone, and is never replaced.
//!
//! Whoever has the key can sign a second history of the log. A plain file is as safe as the disk;
//! a sealed one is as safe as what unlocks it, while nobody reads this program's memory.

use std::fs::{File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::{fmt, iter, str};

use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::secrecy::{ExposeSecret, SecretString};
use age::{DecryptError, Decryptor, EncryptError, Encryptor, scrypt, x25519};
use precise_core::note::{Algorithm, Signer};
use precise_core::{Code, Error as CoreError};
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// The work of a passphrase is 2^18 steps of scrypt: about a second, and 256 MiB, as with the
/// program `age`. It is fixed: measured on a busy machine, it would come out too small.
const WORK_FACTOR: u8 = 18;

/// A file that asks for more is refused: 2^20 steps take 1 GiB already.
const MAX_WORK_FACTOR: u8 = 20;

/// A key is a line, and its header has some hundred bytes for each recipient.
const MAX_LEN: usize = 64 * 1024;

/// How an armored age file begins, and how one without armor does.
const SEALED: [&[u8]; 2] = [b"-----BEGIN AGE ENCRYPTED FILE-----", b"age-encryption.org/"];

/// How a key file is to be kept from those who read the disk.
#[derive(Debug)]
pub enum Protection {
    /// By its mode alone.
    None,
    /// With a passphrase.
    Passphrase(SecretString),
    /// To recipients, each of whom can open it.
    Recipients(Vec<x25519::Recipient>),
}

impl Protection {
    /// With the passphrase that is in a file.
    pub fn from_passphrase_file(path: &Path) -> Result<Self> {
        read_passphrase(path).map(Self::Passphrase)
    }

    /// With a passphrase that is typed twice; `key` is what it is for.
    pub fn from_terminal(key: &Path) -> Result<Self> {
        let passphrase = ask(&format!("Passphrase for {}: ", key.display()))?;
        let again = ask("The same again: ")?;
        if passphrase.expose_secret() == again.expose_secret() {
            Ok(Self::Passphrase(passphrase))
        } else {
            Err(Error::failed("take the passphrase", "it was typed differently the second time"))
        }
    }

    /// To recipients: `age1…`
    pub fn from_recipients<'t>(recipients: impl IntoIterator<Item = &'t str>) -> Result<Self> {
        let parse = |text: &str| {
            x25519::Recipient::from_str(text).map_err(|why| {
                let why = format!("{why}; it is age1 and 58 characters, as age-keygen prints it");
                Error::failed(format_args!("take {text:?} as a recipient"), why)
            })
        };
        recipients.into_iter().map(parse).collect::<Result<_>>().map(Self::Recipients)
    }
}

/// What opens a sealed key. A plain one needs none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unlock {
    /// Nothing: a sealed key is refused.
    None,
    /// The passphrase that is in a file.
    PassphraseFile(PathBuf),
    /// The identities in a file, `AGE-SECRET-KEY-1…`, as age-keygen writes it.
    Identity(PathBuf),
    /// A passphrase that is typed.
    Terminal,
}

/// A new key for the log `name`, from the operating system's randomness.
///
/// Error: PR402 for a name that no log can have.
pub fn generate(name: &str) -> Result<Signer> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).map_err(|error| Error::failed("generate a key", error))?;
    Signer::from_seed(name, Algorithm::Ed25519, &seed)
        .map_err(|error| Error::refused(format!("the name {name:?}"), error))
}

/// Writes a key where there is no file yet.
pub fn write(path: &Path, signer: &Signer, protection: &Protection) -> Result<()> {
    write_with(path, signer, protection, WORK_FACTOR)
}

fn write_with(path: &Path, signer: &Signer, protection: &Protection, work: u8) -> Result<()> {
    let failed = |why: &dyn fmt::Display| {
        Error::failed(format_args!("write the key {}", path.display()), why)
    };
    let text = signer.to_text();
    let line = Zeroizing::new([text.as_bytes(), b"\n"].concat());
    let content = match protection {
        Protection::None => line,
        Protection::Passphrase(passphrase) if passphrase.expose_secret().is_empty() => {
            return Err(failed(&"the passphrase is empty"));
        }
        Protection::Passphrase(passphrase) => {
            let mut recipient = scrypt::Recipient::new(passphrase.clone());
            recipient.set_work_factor(work);
            seal(&line, iter::once(&recipient as _)).map_err(|error| failed(&error))?
        }
        Protection::Recipients(recipients) => {
            let recipients = recipients.iter().map(|recipient| recipient as _);
            seal(&line, recipients).map_err(|error| failed(&error))?
        }
    };
    create(path, &content).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => failed(&"it is there already, and a key is never replaced"),
        _ => failed(&error),
    })
}

/// Reads a key.
///
/// Error: PR402 for what is no key of a log, or is cut off.
pub fn read(path: &Path, unlock: &Unlock) -> Result<Signer> {
    let content = read_secret(path, "key")?;
    let line = if SEALED.iter().any(|begin| content.starts_with(begin)) {
        open(path, &content, unlock)?
    } else {
        content
    };
    parse(&line).map_err(|error| Error::refused(format!("the key {}", path.display()), error))
}

fn parse(line: &[u8]) -> precise_core::Result<Signer> {
    let malformed = |detail| CoreError::new(Code::SigningKey).because(detail);
    let text = str::from_utf8(line).map_err(|_| malformed("it is not UTF-8"))?;
    let signer = Signer::parse(text.strip_suffix('\n').unwrap_or(text))?;
    match signer.verifier_key().algorithm() {
        Algorithm::Ed25519 => Ok(signer),
        Algorithm::Cosignature => Err(malformed("it is a cosigner's, and no log's")),
    }
}

/// An armored age file.
fn seal<'r>(
    line: &[u8],
    recipients: impl Iterator<Item = &'r dyn age::Recipient>,
) -> std::result::Result<Zeroizing<Vec<u8>>, EncryptError> {
    let mut sealed = Zeroizing::new(Vec::new());
    let armor = ArmoredWriter::wrap_output(&mut *sealed, Format::AsciiArmor)?;
    let mut writer = Encryptor::with_recipients(recipients)?.wrap_output(armor)?;
    writer.write_all(line)?;
    writer.finish()?.finish()?;
    Ok(sealed)
}

/// What an age file holds.
fn open(path: &Path, sealed: &[u8], unlock: &Unlock) -> Result<Zeroizing<Vec<u8>>> {
    let attempted = format!("open the key {}", path.display());
    let broken = |detail| {
        let error = CoreError::new(Code::SigningKey).because(detail);
        Error::refused(format!("the key {}", path.display()), error)
    };
    let changed = || broken("it is an age file that was cut off or changed");
    let decryptor = Decryptor::new_buffered(ArmoredReader::new(sealed)).map_err(|_| changed())?;
    let by_passphrase = decryptor.is_scrypt();
    let identities: Vec<Box<dyn age::Identity>> = match (unlock, by_passphrase) {
        (Unlock::PassphraseFile(file), true) => vec![passphrase_identity(read_passphrase(file)?)],
        (Unlock::Terminal, true) => {
            vec![passphrase_identity(ask(&format!("Passphrase for {}: ", path.display()))?)]
        }
        (Unlock::Identity(file), false) => read_identities(file)?,
        (_, true) => {
            let why =
                "it is sealed with a passphrase; name a file that holds it (--passphrase-file)";
            return Err(Error::failed(attempted, why));
        }
        (_, false) => {
            let why =
                "it is sealed to an age recipient; name the identity file of one (--identity)";
            return Err(Error::failed(attempted, why));
        }
    };
    let mut reader =
        decryptor.decrypt(identities.iter().map(|identity| &**identity)).map_err(|error| {
            match error {
                DecryptError::ExcessiveWork { required, .. } => Error::failed(
                    &attempted,
                    format_args!(
                        "its passphrase takes 2^{required} steps of scrypt, and more than \
                     2^{MAX_WORK_FACTOR} are refused"
                    ),
                ),
                DecryptError::DecryptionFailed
                | DecryptError::KeyDecryptionFailed
                | DecryptError::NoMatchingKeys => Error::failed(
                    &attempted,
                    if by_passphrase {
                        "the passphrase is another"
                    } else {
                        "it is sealed to none of the identities"
                    },
                ),
                _ => changed(),
            }
        })?;
    read_short(&mut reader).map_err(|_| changed())?.ok_or_else(|| broken("it is far too long"))
}

fn passphrase_identity(passphrase: SecretString) -> Box<dyn age::Identity> {
    let mut identity = scrypt::Identity::new(passphrase);
    identity.set_max_work_factor(MAX_WORK_FACTOR);
    Box::new(identity)
}

/// The one line of a file, which may end with a line feed.
fn read_passphrase(path: &Path) -> Result<SecretString> {
    let content = read_secret(path, "passphrase file")?;
    let failed =
        |why| Error::failed(format_args!("take the passphrase in {}", path.display()), why);
    let text = str::from_utf8(&content).map_err(|_| failed("it is not UTF-8"))?;
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        return Err(failed("it is empty"));
    }
    if line.contains('\n') {
        return Err(failed("the file has more than one line"));
    }
    Ok(SecretString::from(line))
}

/// The identities in a file, one a line; empty lines, and those that begin with `#`, say nothing.
fn read_identities(path: &Path) -> Result<Vec<Box<dyn age::Identity>>> {
    let content = read_secret(path, "identity file")?;
    let failed = |why: &dyn fmt::Display| {
        Error::failed(format_args!("take the identities in {}", path.display()), why)
    };
    let text = str::from_utf8(&content).map_err(|_| failed(&"it is not UTF-8"))?;
    let mut identities: Vec<Box<dyn age::Identity>> = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let line = line.trim();
        if !line.is_empty() && !line.starts_with('#') {
            let identity = x25519::Identity::from_str(line)
                .map_err(|_| failed(&format_args!("line {} is no AGE-SECRET-KEY-1…", i + 1)))?;
            identities.push(Box::new(identity));
        }
    }
    if identities.is_empty() { Err(failed(&"there are none")) } else { Ok(identities) }
}

/// Asks on the terminal, and shows nothing of the answer.
fn ask(prompt: &str) -> Result<SecretString> {
    let failed = |why: &dyn fmt::Display| Error::failed("ask for a passphrase", why);
    let typed = rpassword::prompt_password(prompt).map(Zeroizing::new).map_err(|error| {
        failed(&format_args!("{error}; without a terminal, name a file that holds it"))
    })?;
    if typed.is_empty() {
        return Err(failed(&"nothing was typed"));
    }
    Ok(SecretString::from(typed.as_str()))
}

/// A file that nobody but its owner may read. A pipe is taken too: who could open that is settled.
fn read_secret(path: &Path, what: &str) -> Result<Zeroizing<Vec<u8>>> {
    let failed = |why: &dyn fmt::Display| {
        Error::failed(format_args!("read the {what} {}", path.display()), why)
    };
    let mut file = File::open(path).map_err(|error| failed(&error))?;
    let metadata = file.metadata().map_err(|error| failed(&error))?;
    let mode = metadata.permissions().mode() & 0o777;
    if metadata.is_file() && mode & 0o077 != 0 {
        return Err(failed(&format_args!(
            "its mode is {mode:03o}, so that others than its owner may use it; \
             make it 600 with `chmod 600 {}`",
            path.display()
        )));
    }
    read_short(&mut file)
        .map_err(|error| failed(&error))?
        .ok_or_else(|| failed(&format_args!("it has more than {MAX_LEN} bytes")))
}

/// All there is, unless that is too much. The bytes stay in one place, and leave no copy behind.
fn read_short(reader: &mut impl Read) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut content = Zeroizing::new(vec![0; MAX_LEN + 1]);
    let mut len = 0;
    while len < content.len() {
        match reader.read(&mut content[len..]) {
            Ok(0) => {
                content.truncate(len);
                return Ok(Some(content));
            }
            Ok(read) => len += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// A new file with this content. It is on the disk, and so is its name, or neither is there.
fn create(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let mut file: NamedTempFile = tempfile::Builder::new()
        .prefix(".key-")
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};
    use std::{env, fs, thread};

    use tempfile::TempDir;

    use super::*;

    type Checked = std::result::Result<(), Box<dyn std::error::Error>>;

    /// Enough for a test, where a thousandth of a second does.
    const LITTLE_WORK: u8 = 4;

    fn passphrase(text: &str) -> Protection {
        Protection::Passphrase(SecretString::from(text))
    }

    /// A file that is its owner's alone.
    fn secret_file(folder: &TempDir, name: &str, content: impl AsRef<[u8]>) -> io::Result<PathBuf> {
        let path = folder.path().join(name);
        fs::write(&path, content)?;
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        Ok(path)
    }

    fn message<T>(result: Result<T>) -> String {
        result.err().map_or_else(String::new, |error| error.to_string())
    }

    fn code<T>(result: Result<T>) -> Option<Code> {
        match result {
            Err(Error::Refused { error, .. }) => Some(error.code()),
            _ => None,
        }
    }

    #[test]
    fn a_plain_key_is_one_line_and_its_owners_alone() -> Checked {
        let folder = TempDir::new()?;
        let path = folder.path().join("key");
        let signer = generate("log.example/a")?;
        write(&path, &signer, &Protection::None)?;
        let content = fs::read_to_string(&path)?;
        assert_eq!(content.strip_suffix('\n'), Some(signer.to_text().as_str()));
        assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
        for unlock in [Unlock::None, Unlock::Terminal] {
            let read = read(&path, &unlock)?;
            assert_eq!(*read.to_text(), *signer.to_text());
        }
        assert_ne!(*generate("log.example/a")?.to_text(), *signer.to_text());
        Ok(())
    }

    #[test]
    fn a_key_is_never_replaced_and_nothing_is_left_beside_it() -> Checked {
        let folder = TempDir::new()?;
        let path = folder.path().join("key");
        let signers = [generate("a")?, generate("a")?, generate("a")?, generate("a")?];
        let written: Vec<bool> = thread::scope(|scope| {
            let writers: Vec<_> = signers
                .iter()
                .map(|signer| scope.spawn(|| write(&path, signer, &Protection::None).is_ok()))
                .collect();
            writers.into_iter().map(|writer| writer.join().unwrap_or(false)).collect()
        });
        assert_eq!(written.iter().filter(|written| **written).count(), 1);
        let first = read(&path, &Unlock::None)?;
        let winner = signers.iter().zip(written).find_map(|(signer, won)| won.then_some(signer));
        assert_eq!(winner.map(Signer::to_text), Some(first.to_text()));
        let again = message(write(&path, &signers[0], &Protection::None));
        assert!(again.ends_with("it is there already, and a key is never replaced"), "{again}");
        assert_eq!(fs::read_dir(folder.path())?.count(), 1);
        let nowhere = folder.path().join("none").join("key");
        assert!(
            message(write(&nowhere, &signers[0], &Protection::None)).starts_with("cannot write")
        );
        Ok(())
    }

    #[test]
    fn a_passphrase_opens_what_it_sealed() -> Checked {
        let folder = TempDir::new()?;
        let file = secret_file(&folder, "passphrase", "correct horse\n")?;
        let path = folder.path().join("key");
        let signer = generate("log.example/a")?;
        // At full work, as users have it.
        write(&path, &signer, &Protection::from_passphrase_file(&file)?)?;
        let content = fs::read_to_string(&path)?;
        assert!(content.as_bytes().starts_with(SEALED[0]), "{content}");
        assert!(!content.contains(&*signer.to_text()));
        assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
        let unlock = Unlock::PassphraseFile(file);
        assert_eq!(*read(&path, &unlock)?.to_text(), *signer.to_text());
        Ok(())
    }

    #[test]
    fn without_what_opens_it_a_sealed_key_says_what_it_needs() -> Checked {
        let folder = TempDir::new()?;
        let signer = generate("a")?;
        let (by_passphrase, by_identity) = (folder.path().join("p"), folder.path().join("i"));
        write_with(&by_passphrase, &signer, &passphrase("right"), LITTLE_WORK)?;
        let own = x25519::Identity::generate();
        let to = own.to_public().to_string();
        write(&by_identity, &signer, &Protection::from_recipients([to.as_str()])?)?;

        let wrong = Unlock::PassphraseFile(secret_file(&folder, "wrong", "wrong")?);
        let other = x25519::Identity::generate().to_string();
        let other = Unlock::Identity(secret_file(&folder, "other", other.expose_secret())?);
        for (path, unlock, says) in [
            (&by_passphrase, &Unlock::None, "it is sealed with a passphrase"),
            (&by_passphrase, &other, "it is sealed with a passphrase"),
            (&by_passphrase, &wrong, "the passphrase is another"),
            (&by_identity, &Unlock::None, "it is sealed to an age recipient"),
            (&by_identity, &Unlock::Terminal, "it is sealed to an age recipient"),
            (&by_identity, &wrong, "it is sealed to an age recipient"),
            (&by_identity, &other, "it is sealed to none of the identities"),
        ] {
            let message = message(read(path, unlock));
            assert!(message.contains(says), "{message}");
        }
        Ok(())
    }

    #[test]
    fn each_recipient_opens_what_is_sealed_to_all() -> Checked {
        let folder = TempDir::new()?;
        let path = folder.path().join("key");
        let signer = generate("a")?;
        let own = [x25519::Identity::generate(), x25519::Identity::generate()];
        let to = own.each_ref().map(|identity| identity.to_public().to_string());
        write(&path, &signer, &Protection::from_recipients(to.iter().map(String::as_str))?)?;
        for identity in &own {
            let text = format!("# made today\n\n{}\n", identity.to_string().expose_secret());
            let unlock = Unlock::Identity(secret_file(&folder, "identity", text)?);
            assert_eq!(*read(&path, &unlock)?.to_text(), *signer.to_text());
        }
        Ok(())
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() -> Checked {
        let folder = TempDir::new()?;
        let path = folder.path().join("key");
        write(&path, &generate("a")?, &Protection::None)?;
        for mode in [0o640, 0o604, 0o620, 0o601] {
            fs::set_permissions(&path, Permissions::from_mode(mode))?;
            let message = message(read(&path, &Unlock::None));
            assert!(message.contains("chmod 600"), "{mode:o}: {message}");
        }
        fs::set_permissions(&path, Permissions::from_mode(0o400))?;
        read(&path, &Unlock::None)?;
        let open = folder.path().join("passphrase");
        fs::write(&open, "secret")?;
        fs::set_permissions(&open, Permissions::from_mode(0o644))?;
        assert!(message(Protection::from_passphrase_file(&open)).contains("chmod 600"));
        Ok(())
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_shown() -> Checked {
        let folder = TempDir::new()?;
        let signer = generate("log.example/a")?;
        let text = signer.to_text();
        let cosigner = Signer::from_seed("w", Algorithm::Cosignature, &[7; 32])?.to_text();
        let secret = &text[text.len() - 20..];
        for content in [
            "",
            "\n",
            "key",
            &format!("{}\n\n", *text),
            &format!("{} \n", *text),
            &format!("{}\r\n", *text),
            &text[..text.len() - 1],
            &text.replace("log.example/a", "log.example/b"),
            &text["PRIVATE+KEY+".len()..],
            &cosigner,
        ] {
            let path = secret_file(&folder, "key", content)?;
            let refused = read(&path, &Unlock::None);
            assert!(!message(read(&path, &Unlock::None)).contains(secret));
            assert_eq!(code(refused), Some(Code::SigningKey), "{content:?}");
        }
        let path = secret_file(&folder, "key", [0xFF; 80])?;
        assert_eq!(code(read(&path, &Unlock::None)), Some(Code::SigningKey));
        let path = secret_file(&folder, "key", vec![b'a'; MAX_LEN + 1])?;
        assert!(message(read(&path, &Unlock::None)).contains("more than"));
        assert!(message(read(folder.path(), &Unlock::None)).starts_with("cannot read the key"));
        Ok(())
    }

    #[test]
    fn a_sealed_key_that_was_cut_or_changed_is_refused() -> Checked {
        let folder = TempDir::new()?;
        let file = secret_file(&folder, "passphrase", "p")?;
        let path = folder.path().join("whole");
        let signer = generate("a")?;
        write_with(&path, &signer, &passphrase("p"), LITTLE_WORK)?;
        let whole = fs::read(&path)?;
        let unlock = Unlock::PassphraseFile(file);
        assert_eq!(*read(&path, &unlock)?.to_text(), *signer.to_text());
        // Shorter than its first line it is no age file; without its last line feed it is whole.
        for len in SEALED[0].len()..whole.len() - 1 {
            let path = secret_file(&folder, "cut", &whole[..len])?;
            assert_eq!(code(read(&path, &unlock)), Some(Code::SigningKey), "cut to {len}");
        }
        let mut changed = 0;
        for at in (SEALED[0].len() + 1..whole.len() - 36).step_by(7) {
            let mut content = whole.clone();
            content[at] = if content[at] == b'A' { b'B' } else { b'A' };
            let path = secret_file(&folder, "changed", content)?;
            assert!(read(&path, &unlock).is_err(), "changed at {at}");
            changed += 1;
        }
        assert!(changed > 30);
        // Sealed as it should be, with no key in it.
        let mut recipient = scrypt::Recipient::new(SecretString::from("p"));
        recipient.set_work_factor(LITTLE_WORK);
        let sealed = seal(b"no key\n", iter::once(&recipient as _))?;
        let path = secret_file(&folder, "other", &*sealed)?;
        assert_eq!(code(read(&path, &unlock)), Some(Code::SigningKey));
        Ok(())
    }

    #[test]
    fn a_huge_work_factor_is_refused_before_it_is_done() -> Checked {
        let folder = TempDir::new()?;
        let unlock = Unlock::PassphraseFile(secret_file(&folder, "passphrase", "p")?);
        let stanza = format!("-> scrypt {} 60\n{}\n", "A".repeat(22), "A".repeat(43));
        let header = format!("age-encryption.org/v1\n{stanza}--- {}\n", "A".repeat(43));
        let path = secret_file(&folder, "key", [header.as_bytes(), &[0; 64]].concat())?;
        let message = message(read(&path, &unlock));
        assert!(message.contains("takes 2^60 steps of scrypt"), "{message}");
        Ok(())
    }

    #[test]
    fn what_is_no_passphrase_or_recipient_or_identity_is_refused() -> Checked {
        let folder = TempDir::new()?;
        let signer = generate("a")?;
        let path = folder.path().join("key");
        assert!(message(write(&path, &signer, &passphrase(""))).contains("passphrase is empty"));
        assert!(write(&path, &signer, &Protection::Recipients(Vec::new())).is_err());
        assert!(!path.exists());
        for (content, says) in [
            (&b""[..], "it is empty"),
            (b"\n", "it is empty"),
            (b"\r\n", "it is empty"),
            (b"two\nlines\n", "more than one line"),
            (b"\xFF", "not UTF-8"),
        ] {
            let file = secret_file(&folder, "passphrase", content)?;
            let message = message(Protection::from_passphrase_file(&file));
            assert!(message.contains(says), "{message}");
        }
        for recipient in ["", "age1", "age1qqqq", "AGE-SECRET-KEY-1", "ssh-ed25519 AAAA"] {
            let message = message(Protection::from_recipients([recipient]));
            assert!(message.contains("as a recipient"), "{message}");
        }
        let own = x25519::Identity::generate();
        let to = own.to_public().to_string();
        write(&path, &signer, &Protection::from_recipients([to.as_str()])?)?;
        let broken = format!("# one\n{}x\n", own.to_string().expose_secret());
        for (content, says) in
            [("", "there are none"), ("# none\n", "there are none"), (&broken, "line 2 is no")]
        {
            let unlock = Unlock::Identity(secret_file(&folder, "identity", content)?);
            let message = message(read(&path, &unlock));
            assert!(message.contains(says), "{message}");
            assert!(!message.contains(&broken[10..30]), "{message}");
        }
        let missing = Unlock::Identity(folder.path().join("missing"));
        assert!(message(read(&path, &missing)).starts_with("cannot read the identity file"));
        Ok(())
    }

    #[test]
    fn names_that_no_log_can_have_are_refused() {
        for name in ["", "a b", "a+b", "a\n"] {
            assert_eq!(code(generate(name)), Some(Code::SigningKey), "{name:?}");
        }
    }

    #[test]
    fn debug_shows_no_secret() -> Checked {
        let signer = generate("log.example/a")?;
        let text = signer.to_text();
        let shown = format!("{signer:?} {:?}", passphrase("correct horse"));
        assert!(!shown.contains("horse") && !shown.contains(&text[text.len() - 20..]), "{shown}");
        Ok(())
    }

    #[test]
    fn the_program_age_opens_and_makes_such_files() -> Checked {
        let found = env::var_os("PATH").and_then(|paths| {
            env::split_paths(&paths).map(|folder| folder.join("age")).find(|age| age.is_file())
        });
        let Some(age) = found else {
            eprintln!("skipped: there is no program `age` on the PATH");
            return Ok(());
        };
        let folder = TempDir::new()?;
        let signer = generate("log.example/a")?;
        let identity = x25519::Identity::generate();
        let to = identity.to_public().to_string();
        let file = secret_file(&folder, "identity", identity.to_string().expose_secret())?;
        let path = folder.path().join("ours");
        write(&path, &signer, &Protection::from_recipients([to.as_str()])?)?;
        let opened = Command::new(&age).arg("-d").arg("-i").arg(&file).arg(&path).output()?;
        assert_eq!(str::from_utf8(&opened.stdout)?, format!("{}\n", *signer.to_text()));

        for armor in [&["-a"][..], &[]] {
            let mut sealing = Command::new(&age)
                .args(armor)
                .args(["-r", &to])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()?;
            let mut input = sealing.stdin.take().ok_or("age has no input")?;
            input.write_all(opened.stdout.as_slice())?;
            drop(input);
            let path = secret_file(&folder, "theirs", sealing.wait_with_output()?.stdout)?;
            let theirs = read(&path, &Unlock::Identity(file.clone()))?;
            assert_eq!(*theirs.to_text(), *signer.to_text());
        }
        Ok(())
    }
}
