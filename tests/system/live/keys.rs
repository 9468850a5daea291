//! A key names the record with that id and every record of its table that refers to it.

use super::{commit, delete, following, patch, put, serve};
use serde_json::json;

const CALENDAR: &str = "
type User @table @export { id: ID @primaryKey name: String }
type Event @table @export {
  id: ID @primaryKey title: String organizerId: ID @indexed attendeeIds: [ID] @indexed guestIds: [ID]
  organizer: User @relationship(from: organizerId) attendees: [User] @relationship(from: attendeeIds)
}
type Node @table @export { id: Int @primaryKey parentId: Int parent: Node @relationship(from: parentId)
  childIds: [Int] children: [Node] @relationship(from: childIds) }
type Line @table @export { id: [ID]! @primaryKey amount: Int orderId: ID order: Order @relationship(from: orderId) }
type Order @table @export { id: ID @primaryKey }";

#[test]
fn a_key_follows_all_that_refer_to_it() {
    let (server, client) = serve(CALENDAR);
    put(&client, "/Event/e1", r#"{"title":"a","organizerId":"user123"}"#);
    put(&client, "/Event/e2", r#"{"title":"b","organizerId":"user5","attendeeIds":["user1","user123"]}"#);
    put(&client, "/Event/e3", r#"{"title":"c","organizerId":"user5","guestIds":["user123"]}"#);
    put(&client, "/User/user123", r#"{"name":"Maya"}"#);
    let state = [r#"put e1 "a""#, r#"put e2 "b""#];
    let mut follower = following(&server, "/Event/user123?select(title)", &state);
    patch(&client, "/Event/e1", r#"{"title":"a2"}"#);
    patch(&client, "/Event/e3", r#"{"title":"c2"}"#);
    patch(&client, "/User/user123", r#"{"name":"Mia"}"#);
    put(&client, "/Event/e4", r#"{"title":"d","attendeeIds":["user123"]}"#);
    follower.hears(&[r#"put e1 "a2"."#, r#"put e4 "d"."#]);

    // The moment the reference is gone.
    patch(&client, "/Event/e2", r#"{"attendeeIds":{"__op__":"exclude","value":"user123"}}"#);
    patch(&client, "/Event/e1", r#"{"organizerId":"user5"}"#);
    delete(&client, "/Event/e4");
    patch(&client, "/Event/e3", r#"{"attendeeIds":{"__op__":"include","value":"user123"}}"#);
    follower.hears(&["leave e2.", "leave e1.", "delete e4.", r#"put e3 "c2"."#]);

    // One reference of two goes: it stays.
    patch(&client, "/Event/e3", r#"{"organizerId":"user123"}"#);
    patch(&client, "/Event/e3", r#"{"attendeeIds":[]}"#);
    patch(&client, "/Event/e3", r#"{"organizerId":null}"#);
    put(&client, "/Event/user123", r#"{"title":"itself"}"#);
    follower.hears(&["leave e3.", r#"put user123 "itself"."#]);
}

#[test]
fn get_follows_no_references() {
    let (_server, client) = serve(CALENDAR);
    put(&client, "/Event/e1", r#"{"organizerId":"user123"}"#);
    client.get("/Event/user123").expect(404);
}

#[test]
fn a_reference_moves_in_the_commit_that_moves_it() {
    let (server, client) = serve(CALENDAR);
    put(&client, "/Event/e1", r#"{"organizerId":"a"}"#);
    put(&client, "/Event/e2", r#"{"organizerId":"b"}"#);
    let mut a = following(&server, "/Event/a?select(id)", &[r#"put e1 "e1""#]);
    let mut b = following(&server, "/Event/b?select(id)", &[r#"put e2 "e2""#]);
    let moved =
        [("PATCH", "/Event/e1", json!({"organizerId": "b"})), ("PATCH", "/Event/e2", json!({"organizerId": "a"}))];
    commit(&client, &moved);
    a.hears(&["leave e1", r#"put e2 "e2"."#]);
    b.hears(&[r#"put e1 "e1""#, "leave e2."]);
}

#[test]
fn keys_may_be_numbers() {
    let (server, client) = serve(CALENDAR);
    put(&client, "/Node/7", "{}");
    put(&client, "/Node/8", r#"{"parentId":7}"#);
    put(&client, "/Node/77", r#"{"parentId":70,"childIds":[77,70]}"#);
    let mut follower =
        following(&server, "/Node/7?select=parentId", &[r#"put 7 {"parentId":null}"#, r#"put 8 {"parentId":7}"#]);
    patch(&client, "/Node/77", r#"{"childIds":{"__op__":"include","value":7}}"#);
    patch(&client, "/Node/8", r#"{"parentId":null}"#);
    delete(&client, "/Node/7");
    patch(&client, "/Node/77", r#"{"childIds":[]}"#);
    follower.hears(&[r#"put 77 {"parentId":70}."#, "leave 8.", "delete 7.", "leave 77."]);
    following(&server, "/Node/none", &[]);
}

#[test]
fn keys_may_have_several_parts() {
    let (server, client) = serve(CALENDAR);
    put(&client, "/Line/o%201/p%2F1", r#"{"amount":1,"orderId":"o 1"}"#);
    let id = r#"["o 1","p/1"]"#;
    let mut line = following(&server, "/Line/o%201/p%2F1?select(amount)", &[&format!("put {id} 1")]);
    let mut order = following(&server, "/Line/o%201?select(amount)", &[&format!("put {id} 1")]);
    let mut whole = following(&server, "/Line/?select(amount)", &[&format!("put {id} 1")]);
    patch(&client, "/Line/o%201/p%2F1", r#"{"amount":2}"#);
    patch(&client, "/Line/o%201/p%2F1", r#"{"orderId":"o 2"}"#);
    delete(&client, "/Line/o%201/p%2F1");
    line.hears(&[&format!("put {id} 2."), &format!("delete {id}.")]);
    order.hears(&[&format!("put {id} 2."), &format!("leave {id}.")]);
    whole.hears(&[&format!("put {id} 2."), &format!("delete {id}.")]);
}
