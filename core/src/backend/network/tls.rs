//! TLS to a server: own authority and client certificate from files, else the system's authorities.
//!
//! The provider of cryptography is passed explicitly: the process's default belongs to the host, and may not be there.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::unavailable;
use crate::error::{Error, Result, fail};

/// The option `tls`: files in PEM form. Without `ca` the system's authorities are trusted; `cert` and `key` go together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsFiles {
    pub(crate) ca: Option<PathBuf>,
    pub(crate) cert: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
}

/// How connections of one store are secured.
#[derive(Clone)]
pub(crate) struct Tls(TlsConnector);

impl Tls {
    /// TLS where the URL asks for it. `INVALID_ARGUMENT` for files that go with a URL which does not; `secure` says what such
    /// a URL is like.
    pub(crate) fn of(is_tls: bool, files: &TlsFiles, secure: &str) -> Result<Option<Tls>> {
        match is_tls {
            true => Tls::load(files).map(Some),
            false if *files == TlsFiles::default() => Ok(None),
            false => Err(fail!(InvalidArgument, "the option tls is for a URL {secure}").with("argument", "tls")),
        }
    }

    /// Reads the files. `INVALID_ARGUMENT` names the one that will not do.
    pub(crate) fn load(files: &TlsFiles) -> Result<Tls> {
        let mut roots = RootCertStore::empty();
        match &files.ca {
            Some(path) => {
                for certificate in certificates(path, "tls.ca")? {
                    roots.add(certificate).map_err(|_| unusable(path, "tls.ca", "holds no authority's certificate"))?;
                }
            }
            None => {
                let found = rustls_native_certs::load_native_certs();
                roots.add_parsable_certificates(found.certs);
            }
        }
        if roots.is_empty() {
            return Err(fail!(InvalidArgument, "no authority is trusted: pass the server's in the option tls.ca")
                .with("argument", "tls.ca"));
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| fail!(Internal, "no version of TLS is supported"))?
            .with_root_certificates(roots);
        let config = match (&files.cert, &files.key) {
            (None, None) => config.with_no_client_auth(),
            (Some(cert), Some(key)) => {
                let chain = certificates(cert, "tls.cert")?;
                // What the key's file holds stays out of any message.
                let secret = PrivateKeyDer::from_pem_file(key)
                    .map_err(|_| unusable(key, "tls.key", "holds no readable private key in PEM form"))?;
                config
                    .with_client_auth_cert(chain, secret)
                    .map_err(|_| unusable(key, "tls.key", "is not the key of tls.cert"))?
            }
            _ => {
                return Err(fail!(InvalidArgument, "the options tls.cert and tls.key go together")
                    .with("argument", if files.cert.is_some() { "tls.key" } else { "tls.cert" }));
            }
        };
        Ok(Tls(TlsConnector::from(Arc::new(config))))
    }

    /// Secures a connection to `host`, whose certificate must be for that name.
    pub(crate) async fn secure<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        host: &str,
        stream: S,
    ) -> Result<TlsStream<S>> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| fail!(InvalidArgument, "{host:?} is no name that a certificate could be for"))?;
        self.0.connect(name, stream).await.map_err(|error| {
            unavailable("tls", format!("no secure connection to {host}: {error}; check the option tls and the port"))
        })
    }
}

fn certificates(path: &Path, option: &'static str) -> Result<Vec<CertificateDer<'static>>> {
    let read = || CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>();
    match read() {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(unusable(path, option, "holds no readable certificate in PEM form")),
    }
}

fn unusable(path: &Path, option: &'static str, why: &str) -> Error {
    fail!(InvalidArgument, "{}: the file of the option {option} {why}", path.display()).with("argument", option)
}
