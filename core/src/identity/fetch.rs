//! One GET of a key set: https only, no redirects, 5 s, 64 KiB.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::config::Config;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};

use super::jwk::Reason;
use super::key_file::SET_BYTES;

const TIMEOUT: Duration = Duration::from_secs(5);

/// Where a key set is fetched from, and whom that server must be certified by.
pub(super) struct Fetch {
    agent: Agent,
    url: String,
}

impl Fetch {
    /// `ca`: a PEM file of the certificates that are trusted instead of the public ones.
    pub(super) fn new(url: &str, ca: Option<&Path>) -> Result<Fetch, Reason> {
        let authority = url.strip_prefix("https://").and_then(|rest| rest.split(['/', '?']).next());
        match authority {
            None => return Err("not an https:// URL".to_owned()),
            Some(authority) if authority.is_empty() || authority.contains(['@', '#', ' ']) => {
                return Err("its host is missing, or it has a user name: neither can be fetched".to_owned());
            }
            Some(_) => {}
        }
        let roots = match ca {
            None => RootCerts::WebPki,
            Some(path) => RootCerts::from(certificates(path)?),
        };
        // The provider is named: the process's default one is its host's to choose.
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(provider)
            .root_certs(roots)
            .build();
        let config = Config::builder()
            .https_only(true)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .timeout_global(Some(TIMEOUT))
            .user_agent("sessile")
            .tls_config(tls)
            .build();
        Ok(Fetch { agent: Agent::new_with_config(config), url: url.to_owned() })
    }

    /// The set's text. Blocks for 5 s at most. No error quotes the URL or what the server said.
    pub(super) fn get(&self) -> Result<String, Reason> {
        let mut response =
            self.agent.get(&self.url).call().map_err(|error| format!("it can't be fetched: {}", why(&error)))?;
        let status = response.status().as_u16();
        if status != 200 {
            let redirected = if (300..400).contains(&status) { " (redirects are not followed)" } else { "" };
            return Err(format!("its server answered with status {status}{redirected}"));
        }
        response
            .body_mut()
            .with_config()
            .limit(SET_BYTES)
            .read_to_string()
            .map_err(|error| format!("it can't be read: {}", why(&error)))
    }
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>, Reason> {
    let pem = std::fs::read(path).map_err(|error| format!("its certificates can't be read: {}", error.kind()))?;
    let found: Vec<_> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate.to_owned()),
            _ => None,
        })
        .collect();
    match found.is_empty() {
        true => Err("the file has no PEM certificate".to_owned()),
        false => Ok(found),
    }
}

const NOT_CERTIFIED: &str = "its server is not certified as it should be (TLS)";

fn why(error: &ureq::Error) -> &'static str {
    match error {
        ureq::Error::Timeout(_) => "5 seconds have passed",
        ureq::Error::HostNotFound => "its host is not known",
        ureq::Error::Io(error) if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) => NOT_CERTIFIED,
        ureq::Error::ConnectionFailed | ureq::Error::Io(_) => "the connection failed",
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => NOT_CERTIFIED,
        ureq::Error::BodyExceedsLimit(_) => "it has more than 64 KiB",
        _ => "the answer is none",
    }
}
