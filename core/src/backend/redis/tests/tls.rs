//! TLS with an authority of one's own, and with client certificates; all made on the spot.

use std::path::Path;

use super::super::super::TlsFiles;
use super::super::super::authority::Authority;
use super::super::server::free_port;
use super::*;

fn server(authority: &Authority) -> Server {
    let port = free_port();
    let [cert, key, ca] = ["server.pem", "server.key", "ca.pem"].map(|name| authority.file(name).display().to_string());
    let port_text = port.to_string();
    let arguments = [
        ["--tls-port", &port_text],
        ["--port", "0"],
        ["--tls-cert-file", &cert],
        ["--tls-key-file", &key],
        ["--tls-ca-cert-file", &ca],
    ];
    Server::start_in(tempfile::tempdir().unwrap(), port, &arguments.concat())
}

fn trusted(authority: &Authority) -> TlsFiles {
    TlsFiles {
        ca: Some(authority.file("ca.pem")),
        cert: Some(authority.file("client.pem")),
        key: Some(authority.file("client.key")),
    }
}

fn secured(url: &str, files: TlsFiles) -> Result<Backend, Error> {
    open_with(url, |_, access| access.tls = files)
}

#[test]
fn both_sides_prove_who_they_are() {
    let authority = Authority::new("IP:127.0.0.1,DNS:localhost");
    let server = server(&authority);
    for host in ["127.0.0.1", "localhost"] {
        let backend = secured(&format!("rediss://{host}:{}", server.port), trusted(&authority)).unwrap();
        contract::applied(&backend, &contract::put(1, vec![(contract::cell(1), contract::sealed(1, 0, 200_000))]));
        assert_eq!(contract::read(&backend, 1).size, 200_000);
    }

    let url = format!("rediss://127.0.0.1:{}", server.port);
    contract::on_a_small_stack(|| {
        let backend = secured(&url, trusted(&authority)).unwrap();
        assert_eq!(contract::read(&backend, 1).size, 200_000);
    });

    let refused = |url: &str, files| call(&secured(url, files).unwrap()).unwrap_err();
    let unproven = refused(&url, TlsFiles { ca: Some(authority.file("ca.pem")), ..TlsFiles::default() });
    assert_eq!(unproven.code(), Code::Unavailable);
    let stranger = Authority::new("IP:127.0.0.1");
    let untrusted = refused(&url, TlsFiles { ca: Some(stranger.file("ca.pem")), ..trusted(&authority) });
    assert_eq!((untrusted.code(), reason(&untrusted)), (Code::Unavailable, "tls"));
    let plain = call(&open(&format!("redis://127.0.0.1:{}", server.port))).unwrap_err();
    assert_eq!(plain.code(), Code::Unavailable);
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let authority = Authority::new("DNS:elsewhere.example");
    let server = server(&authority);
    let backend = secured(&format!("rediss://127.0.0.1:{}", server.port), trusted(&authority)).unwrap();
    let error = call(&backend).unwrap_err();
    assert_eq!((error.code(), reason(&error)), (Code::Unavailable, "tls"));
}

#[test]
fn files_that_will_not_do_are_named() {
    let authority = Authority::new("IP:127.0.0.1");
    let good = trusted(&authority);
    let missing = || Some(Path::new("/nowhere/x.pem").to_owned());
    let table = [
        ("tls.ca", TlsFiles { ca: missing(), ..good.clone() }),
        ("tls.ca", TlsFiles { ca: Some(authority.file("ca.key")), ..good.clone() }),
        ("tls.cert", TlsFiles { cert: missing(), ..good.clone() }),
        ("tls.cert", TlsFiles { cert: None, ..good.clone() }),
        ("tls.key", TlsFiles { key: None, ..good.clone() }),
        ("tls.key", TlsFiles { key: Some(authority.file("client.pem")), ..good.clone() }),
        ("tls.key", TlsFiles { key: Some(authority.file("server.key")), ..good.clone() }),
    ];
    for (argument, files) in table {
        let Err(error) = secured("rediss://127.0.0.1", files) else { panic!("{argument} was taken") };
        assert_eq!(error.code(), Code::InvalidArgument);
        assert_eq!(error.details().get("argument"), Some(&argument.into()), "{error}");
    }
    let Err(plain) = secured("redis://127.0.0.1", good) else { panic!("tls without TLS") };
    assert_eq!(plain.details().get("argument"), Some(&"tls".into()));
}
