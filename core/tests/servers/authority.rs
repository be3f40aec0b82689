//! An authority for tests, and what it signed, made on the spot with openssl.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// `ca.pem`; `server.pem` for `names`; `client.pem`; each with its `.key`.
pub(crate) struct Authority(tempfile::TempDir);

impl Authority {
    pub(crate) fn new(names: &str) -> Authority {
        let authority = Authority(tempfile::tempdir().unwrap());
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-batch"];
        authority.openssl(&[&["req", "-x509"], &key[..], &["-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem"]]);
        for (who, names) in [("server", names), ("client", "DNS:client")] {
            let (request, private) = (format!("{who}.csr"), format!("{who}.key"));
            std::fs::write(authority.file(&format!("{who}.ext")), format!("subjectAltName={names}\n")).unwrap();
            authority.openssl(&[&["req"], &key[..], &["-subj", "/CN=x", "-keyout", &private, "-out", &request]]);
            let (extensions, signed) = (format!("{who}.ext"), format!("{who}.pem"));
            let sign = ["x509", "-req", "-in", &request, "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
            authority.openssl(&[&sign, &["-days", "2", "-extfile", &extensions, "-out", &signed]]);
        }
        authority
    }

    fn openssl(&self, arguments: &[&[&str]]) {
        let mut command = Command::new("openssl");
        let made = command.args(arguments.concat()).current_dir(self.0.path()).stderr(Stdio::null()).status();
        assert!(made.unwrap().success(), "{arguments:?}");
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}
