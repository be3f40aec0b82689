//! A server, as a URL names it.

use std::fmt;
use std::sync::Arc;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Host {
    pub(in crate::backend) name: Arc<str>,
    pub(in crate::backend) port: u16,
}

impl Host {
    pub(in crate::backend) fn new(name: impl Into<Arc<str>>, port: u16) -> Host {
        Host { name: name.into(), port }
    }

    /// `name`, `name:port`, `[v6]` or `[v6]:port`.
    pub(in crate::backend) fn parse(text: &str, default_port: u16) -> Option<Host> {
        let (name, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (name, after) = rest.split_once(']')?;
                (name, if after.is_empty() { None } else { Some(after.strip_prefix(':')?) })
            }
            None => text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port))),
        };
        let port = port.map_or(Some(default_port), |port| port.parse().ok().filter(|port| *port > 0))?;
        (!name.is_empty()).then(|| Host::new(name, port))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.contains(':') {
            true => write!(f, "[{}]:{}", self.name, self.port),
            false => write!(f, "{}:{}", self.name, self.port),
        }
    }
}

/// With `%41` read as `A`; `None` where that is no text, or nothing.
pub(in crate::backend) fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok().filter(|text| !text.is_empty())
}

/// Why no connection to a host came about.
pub(in crate::backend) fn unreachable_host(host: &Host, error: &std::io::Error) -> crate::Error {
    use std::io::ErrorKind;
    let why = match error.kind() {
        ErrorKind::ConnectionRefused => "nobody listens there",
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "there is no way to it",
        _ => "it could not be found or reached",
    };
    super::unavailable("connection", format!("could not connect to {host}: {why}"))
}
