//! Users whom no path can name: browsers drop the ids `.` and `..`.

use serde_json::json;

use super::support::{code, ok};
use crate::support::{Redis, Server};

#[test]
fn the_query_names_a_user_whom_no_path_can_name() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    for user in [".", "..", "-"] {
        redis.command::<()>(&["HSET", &format!("user:{user}"), "is", user]);
    }
    let path = "/api/v1/profiles/profiles/-";
    for user in [".", ".."] {
        let profile = ok(&server.ask("GET", &format!("{path}?user_id={user}"), ""));
        assert_eq!(profile["user_id"], user);
        assert_eq!(profile["fields"], json!([["is", user]]));
    }
    assert_eq!(ok(&server.ask("GET", path, ""))["user_id"], "-");
    let deletion = server.ask("DELETE", &format!("{path}?user_id=.."), "");
    assert_eq!(ok(&deletion)["deleted"], true);
    let gone = server.ask("GET", &format!("{path}?user_id=.."), "");
    assert_eq!((gone.status, &*code(&gone)), (404, "no_profile"));
    let two = server.ask("DELETE", "/api/v1/profiles/profiles/-?user_id=", "");
    assert_eq!((two.status, &*code(&two)), (400, "bad_request"));
    let left: Vec<String> = redis.command(&["KEYS", "user:*"]);
    assert_eq!(left.len(), 2, "{left:?}");
}
