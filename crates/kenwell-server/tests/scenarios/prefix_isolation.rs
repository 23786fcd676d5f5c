//! A prefix is a wall: no sender of one destination writes into another's keys.

use serde_json::json;

use crate::support::{Redis, Server, metric, post};

const TENANT: &str = "{{ message.traits.tenant || nobody }}";

fn tables(redis: &Redis, prefix: &str) -> String {
    format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\", \"other\"]\n\
         [[destinations]]\nid = \"profiles\"\naddress = \"{0}\"\n\
         [[destinations]]\nid = \"other\"\naddress = \"{0}\"\nprefix = \"{prefix}\"\n",
        redis.address()
    )
}

#[test]
fn an_edit_cannot_take_a_wall_down() {
    let redis = Redis::start();
    let server = Server::with(&tables(&redis, "other"));
    let before = std::fs::read_to_string(server.config()).unwrap();
    let other = "/api/v1/destinations/other";
    for (method, path, body) in [
        ("PATCH", other, json!({ "prefix": "user:vip" })),
        ("PATCH", other, json!({ "prefix": " user " })),
        (
            "POST",
            "/api/v1/destinations",
            json!({ "name": "n", "address": redis.address(), "prefix": "other:user" }),
        ),
    ] {
        let reply = server.ask(method, path, &body.to_string());
        assert_eq!(reply.status, 422, "{}", reply.text());
        let reply: serde_json::Value = serde_json::from_str(&reply.text()).unwrap();
        assert_eq!(reply["error"]["setting"], "prefix", "{reply}");
    }
    assert_eq!(std::fs::read_to_string(server.config()).unwrap(), before);
    let fine = json!({ "prefix": "vip" }).to_string();
    assert_eq!(server.ask("PATCH", other, &fine).status, 200);
}

#[test]
fn a_sender_chooses_the_first_part_of_a_key_and_no_more() {
    let redis = Redis::start();
    let server = Server::with(&tables(&redis, TENANT));
    let send = |tenant: &str| {
        let event = json!({ "userId": "u", "traits": { "tenant": tenant, "from": tenant } });
        let reply = post(&server.gateway, "/v1/identify", event.to_string());
        assert_eq!(reply.status, 200);
    };
    for tenant in [
        "acme",
        "Müller & Söhne",
        "user",
        " user ",
        "acme:user",
        ":",
        "a\nb",
    ] {
        send(tenant);
    }
    server.settle("profiles");
    server.settle("other");
    let mut keys = redis.keys();
    keys.retain(|key| !key.contains("kenwell:applied"));
    keys.sort();
    assert_eq!(keys, ["Müller & Söhne:user:u", "acme:user:u", "user:u"]);
    let page = server.metrics();
    let labels = "destination=\"other\",reason=\"prefix_not_allowed\"";
    assert_eq!(
        metric(&page, "kenwell_destination_ignored_total", labels),
        5
    );
}
