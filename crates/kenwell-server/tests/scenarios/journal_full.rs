//! A journal that is full refuses politely, loses nothing, and recovers by itself.

use crate::support::{Client, Redis, Server, eventually};

#[test]
fn a_full_journal_answers_503_until_redis_has_taken_something() {
    let mut redis = Redis::start();
    let server = Server::with(&format!(
        "[journal]\nmax_bytes = \"16 MiB\"\n\
         [[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
         [[destinations]]\nid = \"profiles\"\ntype = \"redis\"\naddress = \"{}\"\n",
        redis.address()
    ));
    redis.kill();
    let mut client = Client::connect(&server.gateway);
    let filler = "x".repeat(1_000_000);
    let mut acked = 0;
    let refused = loop {
        let event = format!(
            "{{\"userId\":\"u{acked}\",\"traits\":{{\"n\":{acked},\"filler\":\"{filler}\"}}}}"
        );
        let reply = client.post("/v1/identify", event.as_bytes()).unwrap();
        if reply.status != 200 {
            break reply;
        }
        acked += 1;
        assert!(acked < 100, "16 MiB never filled up");
    };
    assert_eq!(
        (refused.status, refused.text().as_str()),
        (503, "journal is full\n")
    );
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert!(acked > 5, "full after {acked} MB");
    assert_eq!(server.ready().status, 503);
    // What costs no disk is still accepted.
    assert_eq!(
        client
            .post("/v1/track", b"{\"userId\":\"u\"}")
            .unwrap()
            .status,
        200
    );

    redis.restart();
    server.settle("profiles");
    for user in 0..acked {
        assert_eq!(
            redis.fields(&format!("user:u{user}"))["n"],
            user.to_string()
        );
    }
    eventually("the gateway to accept again", || {
        let event = b"{\"userId\":\"after\",\"traits\":{\"n\":1}}";
        client
            .post("/v1/identify", event)
            .filter(|reply| reply.status == 200)
    });
    server.settle("profiles");
    assert_eq!(redis.fields("user:after")["n"], "1");
}
