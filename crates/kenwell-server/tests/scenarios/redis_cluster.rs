//! A Redis Cluster as the destination: every user on some node, and a node that goes and comes back.

use std::collections::BTreeMap;

use crate::support::{Client, Redis, Server, eventually};

const USERS: usize = 50;

/// Sends one numbered identify for each user.
fn round(client: &mut Client, number: u32) {
    for user in 0..USERS {
        let event = format!(
            "{{\"userId\":\"user-{user}\",\"traits\":{{\"last\":{number},\"n{number}\":{number}}}}}"
        );
        let reply = client.post("/v1/identify", event.as_bytes()).unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
}

#[test]
fn a_cluster_whose_node_goes_and_comes_back_gets_everything() {
    let mut nodes = Redis::cluster();
    let addresses: Vec<String> =
        (nodes.iter().map(|node| format!("{:?}", node.address()))).collect();
    let mut server = Server::with(&format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
         [[destinations]]\nid = \"profiles\"\ncluster_mode = true\naddress = [{}]\n",
        addresses.join(", ")
    ));
    let mut client = Client::connect(&server.gateway);
    (1..=20).for_each(|number| round(&mut client, number));
    server.settle("profiles");

    nodes[1].kill();
    (21..=40).for_each(|number| round(&mut client, number));
    let ready = eventually("the outage to show", || {
        Some(server.ready()).filter(|ready| ready.text().contains("waiting"))
    });
    assert_eq!(ready.status, 200, "{}", ready.text());
    // Neither must a restart in the middle of it cost anything, with a seed that does not answer.
    drop(client);
    server.kill();
    server.restart();
    nodes[1].restart();
    client = Client::connect(&server.gateway);
    (41..=60).for_each(|number| round(&mut client, number));
    server.settle("profiles");

    // Until a node that restarted has been looked at, and has got its last events again.
    eventually("every node to have everything", || {
        let mut stored: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for node in &nodes {
            let keys = node.keys();
            assert!(!keys.is_empty(), "a node without users");
            stored.extend(keys.into_iter().map(|key| (key.clone(), node.fields(&key))));
        }
        assert_eq!(stored.len(), USERS);
        let whole = |fields: &BTreeMap<_, _>| fields["last"] == "60" && fields.len() == 61;
        stored.values().all(whole).then_some(())
    });
    eventually("the server to be ready", || {
        server.ready().text().contains("\"ready\"").then_some(())
    });
}
