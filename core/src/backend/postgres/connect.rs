//! The connections to the server: made when needed, lent to one call at a time, made again after they broke.

use std::sync::Arc;

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, NoTls};

use super::super::network::{Traffic, unavailable, unreachable_host};
use super::Settings;
use super::error::refused_at_connecting;
use super::prepared::Prepared;
use crate::error::{Error, Result, fail};

/// Functions and tables as we use them: all there since this one.
const OLDEST: u32 = 13;
/// What asks for TLS before anything else is said.
const ASK_FOR_TLS: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// One connection. On the engine, like all in here.
pub(super) struct Wire {
    pub(super) client: Client,
    pub(super) prepared: Prepared,
    /// The task that reads and writes.
    driver: AbortHandle,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Makes connections for the pool.
pub(super) struct Connector {
    pub(super) settings: Arc<Settings>,
    pub(super) traffic: Arc<Traffic>,
}

impl Manager for Connector {
    type Type = Wire;
    type Error = Error;

    async fn create(&self) -> Result<Wire> {
        let Connector { settings, .. } = self;
        timeout(settings.connect, Box::pin(self.connect())).await.unwrap_or_else(|_| {
            let why = format!("{} did not take a connection in time", settings.address.host);
            Err(unavailable("connection", why))
        })
    }

    async fn recycle(&self, wire: &mut Wire, _: &Metrics) -> RecycleResult<Error> {
        if wire.client.is_closed() { Err(RecycleError::message("closed")) } else { Ok(()) }
    }
}

impl Connector {
    async fn connect(&self) -> Result<Wire> {
        let address = &self.settings.address;
        if let Some(socket) = address.socket() {
            let stream = UnixStream::connect(socket).await;
            return self.log_in(stream.map_err(|error| unreachable_host(&address.host, &error))?).await;
        }
        let stream = TcpStream::connect((&*address.host.name, address.host.port)).await;
        let mut stream = stream.map_err(|error| unreachable_host(&address.host, &error))?;
        // Failing costs time, not correctness.
        let _ = stream.set_nodelay(true);
        let Some(tls) = &self.settings.tls else { return self.log_in(stream).await };
        // One byte and no more: what came along with it would not be secured.
        let mut answer = [0];
        let asked = async {
            stream.write_all(&ASK_FOR_TLS).await?;
            stream.read_exact(&mut answer).await
        };
        match asked.await {
            Ok(_) if answer == *b"S" => self.log_in(tls.secure(&address.host.name, stream).await?).await,
            Ok(_) if answer == *b"N" => Err(unavailable("tls", format!("{} has no TLS", address.host))),
            _ => {
                let why = format!("the connection to {} broke; is it a PostgreSQL?", address.host);
                Err(unavailable("connection", why))
            }
        }
    }

    async fn log_in(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Result<Wire> {
        let Connector { settings, .. } = self;
        let mut login = Config::new();
        login.ssl_mode(SslMode::Disable).dbname(&settings.address.database).application_name("sessile");
        if let Some(user) = &settings.address.user {
            login.user(user);
        }
        if let Some(password) = &settings.password {
            login.password(password.as_bytes());
        }
        let opened = login.connect_raw(stream, NoTls).await;
        let (client, connection) = opened.map_err(|error| refused_at_connecting(&settings.address, &error))?;
        check_version(&settings.address.host.to_string(), connection.parameter("server_version"))?;
        let driver = tokio::spawn(async {
            // Whoever waits for an answer is told; notices are nobody's.
            let _ = connection.await;
        });
        self.traffic.connected();
        Ok(Wire { client, prepared: Prepared::default(), driver: driver.abort_handle() })
    }
}

/// `15.18 (Debian …)`.
fn check_version(host: &str, version: Option<&str>) -> Result<()> {
    let version = version.unwrap_or_default();
    let major: String = version.chars().take_while(char::is_ascii_digit).collect();
    match major.parse::<u32>() {
        Ok(major) if major < OLDEST => {
            Err(fail!(Unsupported, "{host} is PostgreSQL {version}; {OLDEST} is the oldest that will do"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_servers_are_refused() {
        for (version, is_good) in
            [("12.4", false), ("9.6.1", false), ("13.0", true), ("15.18 (Debian)", true), ("", true)]
        {
            assert_eq!(check_version("h", Some(version)).is_ok(), is_good, "{version}");
        }
    }
}
