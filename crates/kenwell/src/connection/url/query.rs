//! The query of a URL, as other clients write it.

use super::Url;
use super::parts::{database, problem};
use crate::Error;

/// Takes what a query of other clients' URLs asks for, or names the key that it is here.
pub(super) fn read(url: &mut Url, pair: &str) -> Result<(), Error> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    match name {
        "db" => {
            let number = database(value, "db must be a database number, as in ?db=5")?;
            if url.database.is_some() && number != url.database {
                return Err(problem(
                    "it names two databases; keep the one after the host",
                ));
            }
            url.database = number;
        }
        "ssl_cert_reqs" => {
            let value = value.to_ascii_lowercase();
            match value.strip_prefix("cert_").unwrap_or(&value) {
                "none" | "0" => url.skip_verify = url.secure,
                "required" | "optional" | "2" | "1" => {}
                _ => {
                    return Err(problem(
                        "ssl_cert_reqs must be required or none, which is the key skip_verify = true",
                    ));
                }
            }
        }
        "ssl_ca_certs" | "ssl_ca_data" => {
            return Err(problem(
                "ssl_ca_certs is the key ca_certificate here; take it out of the URL",
            ));
        }
        "ssl_certfile" => {
            return Err(problem(
                "ssl_certfile is the key client_certificate here; take it out of the URL",
            ));
        }
        "ssl_keyfile" => {
            return Err(problem(
                "ssl_keyfile is the key client_key here; take it out of the URL",
            ));
        }
        "ssl_check_hostname" => {
            return Err(problem(
                "ssl_check_hostname has no key here; take it out, and set server_name to the name in the certificate",
            ));
        }
        "password" | "username" => {
            return Err(problem(
                "user and password stand before the host, as in rediss://user:password@host, or in keys of their own",
            ));
        }
        _ => {
            return Err(problem(
                "it has a ?; write the database as /5 after the host, other settings as keys of their own, and ? in a password as %3F",
            ));
        }
    }
    Ok(())
}
