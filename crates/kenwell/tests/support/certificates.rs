//! A certificate authority of its own for each test, a server certificate for `localhost`, and
//! whatever else a test asks `openssl` for, good or bad.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A key that is quickly made.
const EC: &str = "ec -pkeyopt ec_paramgen_curve:P-256";

pub struct Certificates {
    folder: TempDir,
}

impl Certificates {
    pub fn new() -> Self {
        let certificates = Self {
            folder: TempDir::new().unwrap(),
        };
        certificates.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem",
        );
        certificates.openssl(
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout server.key -out server.csr",
        );
        certificates.openssl(
            "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -copy_extensions copy -out server.pem",
        );
        certificates
    }

    pub fn openssl(&self, arguments: &str) {
        let status = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(self.folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        let status = status.unwrap_or_else(|error| {
            panic!("cannot run openssl ({error}); install it: apt-get install openssl")
        });
        assert!(status.success(), "openssl {arguments}");
    }

    /// The authority's certificate as PEM text.
    pub fn authority(&self) -> String {
        self.text("ca.pem")
    }

    pub fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Makes a self-signed `{name}.pem`, as `openssl req -x509` does without being told more.
    pub fn self_signed(&self, name: &str, subject: &str, more: &str) {
        let more = if more.is_empty() {
            String::new()
        } else {
            format!(" {more}")
        };
        self.openssl(&format!(
            "req -x509 -newkey {EC} -nodes -days 2 -subj {subject} -keyout {name}.key -out {name}.pem{more}"
        ));
    }

    /// Makes `{name}.pem`, signed by `{issuer}.pem`. Without extensions it has X.509 version 1.
    pub fn issue(&self, name: &str, subject: &str, issuer: &str, extensions: &str) {
        self.issue_with(EC, name, subject, issuer, extensions);
    }

    /// The same with another kind of key, such as `rsa:2048`.
    pub fn issue_with(
        &self,
        kind: &str,
        name: &str,
        subject: &str,
        issuer: &str,
        extensions: &str,
    ) {
        self.request(kind, name, subject);
        let extensions = self.extensions(name, extensions);
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA {issuer}.pem -CAkey {issuer}.key -CAcreateserial -days 2 -out {name}.pem{extensions}"
        ));
    }

    /// The same, valid between two times such as `20200101000000Z`. `{name}` can be its own issuer.
    pub fn issue_dated(&self, name: &str, issuer: &str, extensions: &str, dates: [&str; 2]) {
        self.request(EC, name, "/CN=localhost");
        let extensions = self.extensions(name, extensions);
        let write = |file: &str, text: &str| std::fs::write(self.path(file), text).unwrap();
        write("index.txt", "");
        write("index.txt.attr", "unique_subject=no");
        write(
            "dated.cnf",
            "[ca]\ndefault_ca=dated\n[dated]\nnew_certs_dir=.\ndatabase=index.txt\nrand_serial=yes\ndefault_md=sha256\npolicy=any\n[any]\ncommonName=supplied\n",
        );
        let signer = if name == issuer {
            format!("-selfsign -keyfile {name}.key")
        } else {
            format!("-cert {issuer}.pem -keyfile {issuer}.key")
        };
        let [from, to] = dates;
        self.openssl(&format!(
            "ca -batch -notext -config dated.cnf {signer} -in {name}.csr -startdate {from} -enddate {to} -out {name}.pem{extensions}"
        ));
    }

    /// Puts the PEM of `below` and `above` into `{below}.pem`: what a server sends as its chain.
    pub fn chain(&self, below: &str, above: &str) {
        let chain = self.text(&format!("{below}.pem")) + &self.text(&format!("{above}.pem"));
        std::fs::write(self.path(&format!("{below}.pem")), chain).unwrap();
    }

    fn request(&self, kind: &str, name: &str, subject: &str) {
        self.openssl(&format!(
            "req -newkey {kind} -nodes -subj {subject} -keyout {name}.key -out {name}.csr"
        ));
    }

    fn extensions(&self, name: &str, extensions: &str) -> String {
        if extensions.is_empty() {
            return String::new();
        }
        let file = format!("{name}.ext");
        std::fs::write(self.path(&file), extensions).unwrap();
        format!(" -extfile {file}")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
