//! TLS with an authority of one's own, and with client certificates.

use super::super::super::TlsFiles;
use super::super::super::authority::Authority;
use super::*;

fn secured(port: u16, host: &str, files: TlsFiles) -> Result<Backend> {
    open_with(&format!("postgresql://sessile@{host}:{port}/postgres?sslmode=verify-full"), |_, access| {
        access.tls = files
    })
}

#[test]
fn both_sides_prove_who_they_are() {
    let authority = Authority::new("DNS:localhost");
    let mut server = Server::start(&[]);
    let plain = call(
        &secured(server.port, "localhost", TlsFiles { ca: Some(authority.file("ca.pem")), ..TlsFiles::default() })
            .unwrap(),
    );
    assert_eq!(plain.map_err(|error| reason(&error).to_owned()), Err("tls".to_owned()), "it has no TLS yet");

    let [cert, key, ca] = ["server.pem", "server.key", "ca.pem"].map(|name| {
        let content = std::fs::read(authority.file(name)).unwrap();
        server.file(name, &content).display().to_string()
    });
    // The one that asks, psql, proves nothing.
    let rules = "hostssl all sessile 127.0.0.1/32 trust clientcert=verify-ca\nhost all sessile 127.0.0.1/32 trust\n";
    let rules = server.file("hba.conf", rules.as_bytes()).display().to_string();
    let settings = [
        "ssl=on".to_owned(),
        format!("ssl_cert_file={cert}"),
        format!("ssl_key_file={key}"),
        format!("ssl_ca_file={ca}"),
        format!("hba_file={rules}"),
    ];
    server.restart_with(&settings.each_ref().map(String::as_str));
    let trusted = || TlsFiles {
        ca: Some(authority.file("ca.pem")),
        cert: Some(authority.file("client.pem")),
        key: Some(authority.file("client.key")),
    };
    let backend = secured(server.port, "localhost", trusted()).unwrap();
    applied(&backend, &put(1, vec![(cell(1), sealed(1, 0, 200_000))]));
    assert_eq!(read(&backend, 1).size, 200_000);

    on_a_small_stack(|| {
        let backend = secured(server.port, "localhost", trusted()).unwrap();
        assert_eq!(read(&backend, 1).size, 200_000);
    });

    let refused = |host: &str, files| call(&secured(server.port, host, files).unwrap()).unwrap_err();
    let other_name = refused("127.0.0.1", trusted());
    assert_eq!((other_name.code(), reason(&other_name)), (Code::Unavailable, "tls"));
    let stranger = Authority::new("DNS:localhost");
    let untrusted = refused("localhost", TlsFiles { ca: Some(stranger.file("ca.pem")), ..trusted() });
    assert_eq!((untrusted.code(), reason(&untrusted)), (Code::Unavailable, "tls"));
    let unproven = refused("localhost", TlsFiles { ca: Some(authority.file("ca.pem")), ..TlsFiles::default() });
    assert_eq!(unproven.code(), Code::Unavailable, "{unproven}");
    let Err(unused) = open_with(&server.url(), |_, access| access.tls = trusted()) else { panic!("tls without TLS") };
    assert_eq!(unused.code(), Code::InvalidArgument);
}
