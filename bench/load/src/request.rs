//! A whole HTTP request, written once; only the digits of users and events change from send to send.
//!
//! Making bodies afresh would cost the generator more than Kenwell spends on reading them, and on a
//! small machine the two share the processors.

use anyhow::Context;
use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{
    event::{self, Event},
    options::{Mode, Options},
    users::Users,
};

/// Head and body, with the places that change.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    bytes: Vec<u8>,
    /// Places of the users' digits, those of one event after the other.
    users: Vec<usize>,
    /// Places of the events' digits, one for each event.
    numbers: Vec<usize>,
}

impl Request {
    /// A request of as many events as the options say.
    pub(crate) fn new(options: &Options, event: &Event, host: &str, write_key: &str) -> Self {
        let body = match options.mode {
            Mode::Single => event.text().to_owned(),
            Mode::Batch => {
                let events = vec![event.text(); usize::try_from(options.batch).unwrap_or(1)];
                format!(
                    r#"{{"batch":[{}],"sentAt":"2026-11-22T05:00:17.882Z"}}"#,
                    events.join(",")
                )
            }
        };
        let credentials = BASE64_STANDARD.encode(format!("{write_key}:"));
        let text = format!(
            "POST {} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
             Authorization: Basic {credentials}\r\nUser-Agent: kenwell-bench-load\r\nContent-Length: {}\r\n\r\n{body}",
            options.path(),
            body.len()
        );
        let places = |word: &str| text.match_indices(word).map(|(place, _)| place).collect();
        let (users, numbers) = (places(event::USER), places(event::NUMBER));
        Self {
            bytes: text.into_bytes(),
            users,
            numbers,
        }
    }

    /// Makes it the request of the events from `first` on, and returns its bytes.
    pub(crate) fn fill(&mut self, first: u64, users: &Users) -> anyhow::Result<&[u8]> {
        let each = self.users.len() / self.numbers.len().max(1);
        let places = self.users.chunks(each.max(1)).zip(&self.numbers);
        for (number, (user_places, &number_place)) in (first..).zip(places) {
            let user = digits(users.of(number));
            for &place in user_places {
                write(&mut self.bytes, place, user)?;
            }
            write(&mut self.bytes, number_place, digits(number))?;
        }
        Ok(&self.bytes)
    }
}

fn write(bytes: &mut [u8], place: usize, digits: [u8; 12]) -> anyhow::Result<()> {
    bytes
        .get_mut(place..)
        .and_then(<[u8]>::first_chunk_mut)
        .map(|target| *target = digits)
        .context("no room for digits")
}

/// The same text as [`event::digits`], without an allocation.
fn digits(mut number: u64) -> [u8; 12] {
    let mut text = [b'0'; 12];
    for digit in text.iter_mut().rev() {
        *digit += u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::options::Shape;

    #[test]
    fn digits_are_those_of_the_event() {
        for number in [0, 7, 123_456_789_012] {
            assert_eq!(digits(number), event::digits(number).as_bytes());
        }
    }

    #[test]
    fn a_batch_holds_its_events_and_nothing_unfilled() {
        let options = Options::parse_from(["load", "--batch", "3", "--users", "10"]);
        let users = Users::new(&options).unwrap();
        let mut request = Request::new(&options, &Event::new(Shape::Server, 8), "localhost", "key");
        request.fill(0, &users).unwrap();
        let text = String::from_utf8(request.fill(4, &users).unwrap().to_vec()).unwrap();
        assert!(!text.contains("__"), "{text}");

        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(&format!("Content-Length: {}", body.len())),
            "{head}"
        );
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        for number in 4..7 {
            let event = &body["batch"][usize::try_from(number - 4).unwrap()];
            let user = event::digits(users.of(number));
            assert_eq!(event["userId"], user.as_str());
            assert_eq!(
                event["context"]["traits"]["email"],
                format!("{user}@example.com")
            );
            assert!(
                event["messageId"]
                    .as_str()
                    .unwrap()
                    .ends_with(&event::digits(number))
            );
        }
        assert_eq!(body["batch"].as_array().unwrap().len(), 3);
    }
}
