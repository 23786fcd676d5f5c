//! The query of a URL, as other clients write it.

use super::Url;
use super::parts::{database, problem};
use crate::Error;

/// Takes what a query of other clients' URLs asks for, or names the key that it is here.
pub(super) fn read(url: &mut Url, pair: &str) -> Result<(), Error> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    let wrong = match name {
        "db" => {
            let number = database(value, "db must be a database number, as in ?db=5")?;
            if url.database.is_none_or(|other| number == Some(other)) {
                url.database = number;
                return Ok(());
            }
            "it names two databases; keep the one after the host"
        }
        "ssl_cert_reqs" => {
            let value = value.to_ascii_lowercase();
            match value.strip_prefix("cert_").unwrap_or(&value) {
                "none" | "0" => {
                    url.skip_verify = url.secure;
                    return Ok(());
                }
                "required" | "optional" | "2" | "1" => return Ok(()),
                _ => "ssl_cert_reqs must be required or none, which is the key skip_verify = true",
            }
        }
        "ssl_ca_certs" | "ssl_ca_data" => {
            "ssl_ca_certs is the key ca_certificate here; take it out of the URL"
        }
        "ssl_certfile" => "ssl_certfile is the key client_certificate here; take it out of the URL",
        "ssl_keyfile" => "ssl_keyfile is the key client_key here; take it out of the URL",
        "ssl_check_hostname" => {
            "ssl_check_hostname has no key here; take it out, and set server_name to the name in the certificate"
        }
        "password" | "username" => {
            "user and password stand before the host, as in rediss://user:password@host, or in keys of their own"
        }
        _ => {
            "it has a ?; write the database as /5 after the host, other settings as keys of their own, and ? in a password as %3F"
        }
    };
    Err(problem(wrong))
}
