//! Where a database is, as libpq is told: a URL, or keywords; what these leave out is in the
//! environment, and the password perhaps in `~/.pgpass`.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use url::form_urlencoded;

use crate::error::{Error, Result};

/// Where servers put their sockets: Debian's and Red Hat's, then PostgreSQL's own.
const SOCKETS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// A database's address.
pub(super) struct Address {
    /// Names it in messages: without the password.
    pub(super) name: String,
    pub(super) config: Config,
    /// None: TLS is not used.
    pub(super) trust: Option<Trust>,
}

/// Whose certificate a server may show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    Anybody,
    /// Who has one by an authority in this file.
    File(String),
    /// Who has one by an authority that the system trusts.
    System,
}

impl Address {
    /// Reads an address. No error has any part of it that could be a password.
    pub(super) fn parse(
        address: &str,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let options = Options::split(address)?;
        let mut config: Config = options.rest.parse().map_err(|error| malformed(&error))?;
        complete(&mut config, environment)?;
        let trust = options.trust()?;
        let is_local = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)))
            && config.get_hostaddrs().is_empty();
        let trust = trust.filter(|_| !is_local);
        config.ssl_mode(match trust {
            None => SslMode::Disable,
            Some(Trust::Anybody) if options.mode.as_deref() != Some("require") => SslMode::Prefer,
            Some(_) => SslMode::Require,
        });
        let name = name(&config);
        Ok(Self { name, config, trust })
    }
}

/// What is left out.
fn complete(config: &mut Config, environment: &dyn Fn(&str) -> Option<String>) -> Result<()> {
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        let there = SOCKETS.iter().find(|folder| Path::new(folder).is_dir());
        let host = environment("PGHOST").or_else(|| there.map(|folder| (*folder).into()));
        config.host(host.unwrap_or_else(|| "localhost".into()));
    }
    if config.get_ports().is_empty()
        && let Some(port) = environment("PGPORT")
    {
        let port = port.parse();
        config.port(port.map_err(|_| unreadable("PGPORT is not the number of a port"))?);
    }
    if config.get_user().is_none()
        && let Some(user) = environment("PGUSER").or_else(|| environment("USER"))
    {
        config.user(user);
    }
    if config.get_dbname().is_none()
        && let Some(dbname) = environment("PGDATABASE")
    {
        config.dbname(dbname);
    }
    // An @ in a password that is not written %40 ends it, and the rest would be shown as a host.
    let is_cut = |host: &Host| matches!(host, Host::Tcp(name) if name.contains('@'));
    if config.get_hosts().iter().any(is_cut) {
        return Err(unreadable("a host's name has an @; in a user or password it is written %40"));
    }
    if config.get_password().is_none()
        && let Some(password) =
            environment("PGPASSWORD").or_else(|| kept_password(config, environment))
    {
        config.password(password);
    }
    if config.get_application_name().is_none() {
        config.application_name("precise committer");
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(Duration::from_secs(10));
    }
    // A server that is gone without a word is missed within a minute, not within two hours.
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(Duration::from_secs(30));
        config.keepalives_idle(Duration::from_secs(30));
        config.keepalives_interval(Duration::from_secs(10));
        config.keepalives_retries(3);
    }
    Ok(())
}

/// The password that the file of passwords has for it. As libpq, none where others may read it.
fn kept_password(config: &Config, environment: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let path = environment("PGPASSFILE").map(PathBuf::from);
    let path = path.or_else(|| Some(Path::new(&environment("HOME")?).join(".pgpass")))?;
    if fs::metadata(&path).ok()?.mode() & 0o077 != 0 {
        tracing::warn!("{} is not read: others than its owner may", path.display());
        return None;
    }
    let host = match config.get_hosts().first()? {
        Host::Tcp(name) => name.clone(),
        Host::Unix(folder) if SOCKETS.iter().any(|known| Path::new(known) == folder) => {
            "localhost".into()
        }
        Host::Unix(folder) => folder.display().to_string(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432).to_string();
    let user = config.get_user()?;
    let wanted = [&host, &port, config.get_dbname().unwrap_or(user), user];
    let text = fs::read_to_string(&path).ok()?;
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let mut fields = fields(line);
        let password = fields.pop().filter(|_| fields.len() == wanted.len())?;
        let fits = fields.iter().zip(wanted).all(|(field, wanted)| field == "*" || field == wanted);
        fits.then_some(password)
    })
}

/// Five at most, cut at colons; a backslash takes the next character as it is.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        let count = fields.len();
        match (character, fields.last_mut()) {
            (':', _) if count < 5 => fields.push(String::new()),
            ('\\', Some(field)) => field.extend(characters.next()),
            (_, Some(field)) => field.push(character),
            (_, None) => {}
        }
    }
    fields
}

/// `postgresql://user@host:port/database`, or the folder of the socket in the place of the host.
fn name(config: &Config) -> String {
    let user = config.get_user().map_or_else(String::new, |user| format!("{user}@"));
    let ports = config.get_ports();
    let port = |at: usize| ports.get(at).or(ports.first()).copied().unwrap_or(5432);
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .enumerate()
        .map(|(at, host)| match host {
            Host::Tcp(name) => format!("{name}:{}", port(at)),
            Host::Unix(folder) => format!("{}:{}", folder.display(), port(at)),
        })
        .collect();
    let addresses: Vec<String> =
        config.get_hostaddrs().iter().map(|address| format!("{address}:{}", port(0))).collect();
    let places = if hosts.is_empty() { addresses } else { hosts };
    let database = config.get_dbname().map_or_else(String::new, |name| format!("/{name}"));
    format!("postgresql://{user}{}{database}", places.join(","))
}

/// An address, and what of it the client's crate does not know.
#[derive(Debug, Default)]
struct Options {
    rest: String,
    mode: Option<String>,
    root: Option<String>,
}

impl Options {
    fn split(address: &str) -> Result<Self> {
        let mut options = Self::default();
        if !address.starts_with("postgres://") && !address.starts_with("postgresql://") {
            let mut rest = address;
            while let Some((option, behind)) = keyword(rest)? {
                if !options.take(&option.name, &option.value) {
                    options.rest.push_str(option.text);
                    options.rest.push(' ');
                }
                rest = behind;
            }
            return Ok(options);
        }
        // What is before an @ is a user and a password, whatever they are made of.
        let credentials = address.find('@').map_or(0, |at| at + 1);
        let Some(at) = address[credentials..].find('?').map(|at| credentials + at) else {
            options.rest = address.into();
            return Ok(options);
        };
        let kept: Vec<&str> = address[at + 1..]
            .split('&')
            .filter(|pair| !pair.is_empty())
            .filter(|pair| {
                // A plus is a plus here, and a space in forms.
                let pair = pair.replace('+', "%2B");
                let mut pairs = form_urlencoded::parse(pair.as_bytes());
                pairs.next().is_none_or(|(name, value)| !options.take(&name, &value))
            })
            .collect();
        options.rest.push_str(&address[..at]);
        if !kept.is_empty() {
            options.rest.push('?');
            options.rest.push_str(&kept.join("&"));
        }
        Ok(options)
    }

    fn take(&mut self, name: &str, value: &str) -> bool {
        let place = match name {
            "sslmode" => &mut self.mode,
            "sslrootcert" => &mut self.root,
            _ => return false,
        };
        *place = Some(value.into());
        true
    }

    fn trust(&self) -> Result<Option<Trust>> {
        let trust = match self.mode.as_deref() {
            Some("disable") => None,
            None | Some("prefer" | "require") => Some(Trust::Anybody),
            Some("verify-full") => {
                let root = self.root.clone().filter(|root| root != "system");
                return Ok(Some(root.map_or(Trust::System, Trust::File)));
            }
            Some(_) => {
                return Err(unreadable("sslmode is disable, prefer, require or verify-full"));
            }
        };
        if self.root.is_some() {
            return Err(unreadable("sslrootcert is for sslmode=verify-full"));
        }
        Ok(trust)
    }
}

/// One option: `name = value`.
struct Keyword<'a> {
    text: &'a str,
    name: String,
    value: String,
}

/// The first option of a text, and what is behind it.
fn keyword(text: &str) -> Result<Option<(Keyword<'_>, &str)>> {
    let text = text.trim_start();
    if text.is_empty() {
        return Ok(None);
    }
    let Some((name, value_text)) = text.split_once('=') else {
        return Err(unreadable("it is neither a URL nor name=value"));
    };
    let value_text = value_text.trim_start();
    let is_quoted = value_text.starts_with('\'');
    let (mut value, mut end) = (String::new(), None);
    let mut characters = value_text.char_indices().skip(usize::from(is_quoted));
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => value.extend(characters.next().map(|(_, character)| character)),
            '\'' if is_quoted => {
                end = Some(at + 1);
                break;
            }
            _ if !is_quoted && character.is_whitespace() => {
                end = Some(at);
                break;
            }
            _ => value.push(character),
        }
    }
    if is_quoted && end.is_none() {
        return Err(unreadable("a quote is still open at its end"));
    }
    let behind = &value_text[end.unwrap_or(value_text.len())..];
    let text = &text[..text.len() - behind.len()];
    Ok(Some((Keyword { text, name: name.trim_end().into(), value }, behind)))
}

/// What the client's crate says of an address, where that can be no part of a password.
fn malformed(error: &tokio_postgres::Error) -> Error {
    let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    if cause.starts_with("invalid value for option") {
        unreadable(&cause)
    } else {
        unreadable("an option is unknown, or not name=value; a password with spaces is in quotes")
    }
}

fn unreadable(why: &str) -> Error {
    Error::failed("read the address of a database", why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(address: &str, environment: &[(&str, &str)]) -> Result<Address> {
        Address::parse(address, &|name| {
            let found = environment.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn an_address_has_a_name_without_its_password() -> Result<()> {
        for (address, name) in [
            ("postgresql://ann:secret@db.example/ads", "postgresql://ann@db.example:5432/ads"),
            ("postgres://ann:se?cr/et@db.example:99", "postgresql://ann@db.example:99"),
            ("postgres://a:b@[::1]:99,two/x?sslmode=require", "postgresql://a@::1:99,two:5432/x"),
            ("host=/run/pg user=ann password='s e' dbname=x", "postgresql://ann@/run/pg:5432/x"),
            ("postgresql:///ads?host=/run/pg&user=ann", "postgresql://ann@/run/pg:5432/ads"),
            ("hostaddr=127.0.0.1 port=9 user=ann", "postgresql://ann@127.0.0.1:9"),
        ] {
            assert_eq!(parse(address, &[])?.name, name);
        }
        let environment = [("PGHOST", "h"), ("PGPORT", "7"), ("PGUSER", "u"), ("PGDATABASE", "d")];
        assert_eq!(parse("postgresql://", &environment)?.name, "postgresql://u@h:7/d");
        assert_eq!(parse("", &environment)?.name, "postgresql://u@h:7/d");
        let stated = "postgresql://ann@db:1/ads";
        assert_eq!(parse(stated, &environment)?.name, stated);
        Ok(())
    }

    #[test]
    fn no_error_shows_a_password() {
        for address in [
            "postgresql://ann:sec@ret@db.example/ads",
            "postgresql://ann:secret@db.example/ads?secret=1",
            "host=db password=sec secret=1",
            "host=db password=sec ret",
            "host=db password='secret",
            "secret",
            "host=db password=secret sslmode=verify-ca",
            "host=db password=secret port=secret",
            "host=db password=secret sslrootcert=/x",
            "postgresql://ann:secret@db?sslmode=sec",
        ] {
            let error = parse(address, &[]).err().map(|error| error.to_string());
            let error = error.unwrap_or_default();
            assert!(error.starts_with("cannot read the address of a database: "), "{address}");
            assert!(!error.contains("sec") && !error.contains("ret@"), "{error}");
        }
        assert!(parse("postgresql://", &[("PGHOST", "h"), ("PGPORT", "x")]).is_err());
    }

    #[test]
    fn tls_is_used_as_asked_for() -> Result<()> {
        let file = || Some(Trust::File("/a b/c+d".into()));
        for (options, trust, mode) in [
            ("", Some(Trust::Anybody), SslMode::Prefer),
            ("sslmode=disable", None, SslMode::Disable),
            ("sslmode=prefer", Some(Trust::Anybody), SslMode::Prefer),
            ("sslmode=require", Some(Trust::Anybody), SslMode::Require),
            ("sslmode=verify-full", Some(Trust::System), SslMode::Require),
            ("sslmode=verify-full sslrootcert=system", Some(Trust::System), SslMode::Require),
            ("sslmode=verify-full sslrootcert='/a b/c+d'", file(), SslMode::Require),
        ] {
            let url = options.replace('\'', "").replace("a b", "a%20b").replace(' ', "&");
            for address in [
                format!("host=db {options} user=ann"),
                format!("postgresql://ann@db?{url}"),
                format!("postgresql://ann@db/ads?{url}&connect_timeout=1"),
            ] {
                let address = parse(&address, &[])?;
                assert_eq!(address.trust, trust, "{options}");
                assert_eq!(address.config.get_ssl_mode(), mode, "{options}");
            }
            // A socket is no network.
            let local = parse(&format!("host=/run/pg {options}"), &[])?;
            assert_eq!((local.trust, local.config.get_ssl_mode()), (None, SslMode::Disable));
        }
        Ok(())
    }

    #[test]
    fn a_password_is_found_where_libpq_finds_it()
    -> std::result::Result<(), Box<dyn std::error::Error>> {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir()?;
        let file = folder.path().join(".pgpass");
        fs::write(
            &file,
            "# db:5432:ads:ann:comment\ndb:1:ads:ann:port\ndb:5432:*:ann:a\\:b:c\n*:*:*:bob:any\n\
             localhost:5432:ads:cy:socket\nshort:line\n",
        )?;
        let home = folder.path().display().to_string();
        let found = |address: &str, more: &[(&str, &str)]| -> Result<Option<String>> {
            let environment = [&[("HOME", &home[..])], more].concat();
            let config = parse(address, &environment)?.config;
            Ok(config.get_password().map(|password| String::from_utf8_lossy(password).into()))
        };
        let ann = "postgresql://ann@db/ads";
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640))?;
        assert_eq!(found(ann, &[])?, None, "others may read it");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
        assert_eq!(found(ann, &[])?.as_deref(), Some("a:b:c"));
        assert_eq!(found("host=db user=ann port=1 dbname=ads", &[])?.as_deref(), Some("port"));
        assert_eq!(found("host=x user=bob port=1", &[])?.as_deref(), Some("any"));
        assert_eq!(found("host=/tmp user=cy dbname=ads", &[])?.as_deref(), Some("socket"));
        assert_eq!(found("host=db user=dan", &[])?, None);
        assert_eq!(found(ann, &[("PGPASSWORD", "p")])?.as_deref(), Some("p"));
        assert_eq!(
            found("postgresql://ann:own@db", &[("PGPASSWORD", "p")])?.as_deref(),
            Some("own")
        );
        assert_eq!(found(ann, &[("PGPASSFILE", "/nowhere")])?, None);
        Ok(())
    }
}
