//! A hub for tests that are not in Rust: prints its two addresses as one line of JSON and takes commands in JSON by
//! `POST /_control`. It ends when its standard input does, hence with the process that started it.

use std::io::{self, Write};

use af2_tests::hub::Hub;

fn main() -> io::Result<()> {
    let hub = Hub::start();
    let addresses = serde_json::json!({ "endpoint": hub.endpoint(), "storage": hub.storage() });
    writeln!(io::stdout(), "{addresses}")?;
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}
