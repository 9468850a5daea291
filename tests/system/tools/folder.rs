//! An app in a temporary folder, and the commands that are run on it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use stoa_tests::server::{Server, Start, binary};

pub(super) struct Folder(tempfile::TempDir);

impl Folder {
    pub(super) fn new(schema: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("schema.graphql", schema);
        folder
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(super) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Runs a command in the folder, with a text as its standard input.
    pub(super) fn run_with(&self, arguments: &[&str], input: &str) -> Done {
        let mut child = self.spawn(arguments);
        let mut pipe = child.stdin.take().unwrap();
        // A command that refuses does not read.
        _ = pipe.write_all(input.as_bytes());
        drop(pipe);
        Done(child.wait_with_output().unwrap())
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Done {
        self.run_with(arguments, "")
    }

    pub(super) fn spawn(&self, arguments: &[&str]) -> Child {
        command(arguments).current_dir(self.path()).spawn().unwrap()
    }

    pub(super) fn serve(&self) -> Server {
        Server::start(self.path(), Start::default())
    }

    /// The database, as another program sees it.
    pub(super) fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path().join(".stoa/stoa.db")).unwrap()
    }

    pub(super) fn number(&self, sql: &str) -> i64 {
        self.database().query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

/// Runs a command where it does not matter.
pub(super) fn stoa(arguments: &[&str]) -> Done {
    Done(command(arguments).output().unwrap())
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A command that has ended.
pub(super) struct Done(pub(super) Output);

impl Done {
    /// Both streams, if it ended with this code.
    pub(super) fn expect(self, code: i32) -> String {
        let text = self.text();
        assert_eq!(self.0.status.code(), Some(code), "{text}");
        text
    }

    pub(super) fn text(&self) -> String {
        format!("{}{}", String::from_utf8_lossy(&self.0.stdout), String::from_utf8_lossy(&self.0.stderr))
    }
}

pub(super) fn assert_says(output: &str, parts: &[&str]) {
    for part in parts {
        assert!(output.contains(part), "{part:?} is missing in:\n{output}");
    }
}
