//! What the doctor says of a Redis for documents.

use kenwell::connection::{Connection, Secret, Settings};
use kenwell::doctor::{self, Check, Status};
use kenwell::profile::{DataType, Layout};

use super::redis;
use crate::support::server::Server;

fn layout() -> Layout {
    Layout {
        data_type: DataType::Json,
        ..Layout::default()
    }
}

#[tokio::test]
async fn a_redis_with_the_module_is_well_and_a_document_is_written_and_deleted() {
    let server = redis::start(&[]);
    let report = doctor::examine(&server.settings(), &layout()).await;
    for check in [Check::Rights, Check::Probe] {
        let finding = report.finding(check).unwrap();
        assert_eq!(finding.status, Status::Ok, "{finding:?}");
    }
    let rights = &report.finding(Check::Rights).unwrap().says;
    assert!(
        rights.contains("JSON.MERGE") && !rights.contains("HSET"),
        "{rights}"
    );
    let probe = &report.finding(Check::Probe).unwrap().says;
    assert!(probe.contains("written, read, deleted"), "{probe}");
    assert_eq!(server.command("DBSIZE"), ":0");
}

#[tokio::test]
async fn a_redis_without_the_module_is_told_with_the_setting() {
    let server = Server::start(&[]);
    let report = doctor::examine(&server.settings(), &layout()).await;
    let rights = report.finding(Check::Rights).unwrap();
    assert_eq!(rights.status, Status::Failed);
    assert!(
        rights.says.contains("does not know JSON.MERGE"),
        "{rights:?}"
    );
    assert!(
        rights.cure.as_ref().unwrap().contains("remove `json`"),
        "{rights:?}"
    );
}

/// What the doctor grants is enough to write and read documents.
#[tokio::test]
async fn the_rights_that_it_names_are_enough() {
    let server = redis::start(&[]);
    server.command("ACL SETUSER app on >secret +ping +hello");
    let settings = Settings {
        username: Some("app".to_owned()),
        password: Some(Secret::new("secret")),
        ..server.settings()
    };
    let report = doctor::examine(&settings, &layout()).await;
    let cure = report.finding(Check::Rights).unwrap().cure.clone().unwrap();
    let line = cure.split_once("ACL SETUSER").unwrap().1;
    let line = line.split(" (without").next().unwrap();
    assert_eq!(server.command(&format!("ACL SETUSER{line}")), "+OK");
    let rights = doctor::examine(&settings, &layout()).await;
    let rights = rights.finding(Check::Rights).unwrap();
    assert_eq!(rights.status, Status::Ok, "{rights:?}");
    let connection = Connection::new(settings).unwrap();
    let updates = [r#"{"a":1}"#, r#"{"a":null}"#].map(|traits| {
        let event = format!(r#"{{"userId":"{}","traits":{traits}}}"#, traits.len());
        kenwell::profile::update(event.as_bytes(), &layout()).unwrap()
    });
    let results = kenwell::profile::apply(&connection, &updates).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
}
