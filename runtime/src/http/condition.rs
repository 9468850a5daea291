//! What a write says about the records it has seen, and where the schema asks for it.

use super::headers;
use super::problem::{Problem, ProblemKind};
use crate::data::write::Intent;
use http::header::{IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, Method};
use stoa_schema::model::Table;
use stoa_sync::commit::{Precondition, Tags};

/// How the records of a collection's body are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Each alone, new or whole.
    As(Intent),
    /// `POST` with `Prefer: resolution=merge-duplicates`: each into the record that is there, if one is.
    Merging,
}

impl Manner {
    /// What a request's headers make of the intent of its method.
    pub(super) fn of(intent: Intent, headers: &HeaderMap) -> Self {
        match intent == Intent::Insert && headers::preferences(headers).merge {
            true => Self::Merging,
            false => Self::As(intent),
        }
    }
}

/// A collection has no revision to compare with; `If-None-Match: *` on `POST` says what `POST` does anyway.
pub(super) fn of_collection(headers: &HeaderMap, manner: Manner) -> Result<(), Box<Problem>> {
    let star = headers.get(IF_NONE_MATCH).is_some_and(|value| value == "*");
    match manner == Manner::As(Intent::Insert) && star && !headers.contains_key(IF_MATCH) {
        true => Ok(()),
        false => none(headers),
    }
}

/// No condition at all.
pub(super) fn none(headers: &HeaderMap) -> Result<(), Box<Problem>> {
    match headers.contains_key(IF_MATCH) || headers.contains_key(IF_NONE_MATCH) {
        true => Err(Problem::syntax("If-Match and If-None-Match belong to single records")),
        false => Ok(()),
    }
}

/// `@table(requireMatch: true)`: who changes a record says which one was seen, or that none was.
pub(super) fn names_version(table: &Table, method: &Method, precondition: &Precondition) -> Result<(), Box<Problem>> {
    let creates_only = *method == Method::PUT && precondition.none_matches == Some(Tags::Any);
    if !table.require_match || precondition.matches.is_some() || creates_only {
        return Ok(());
    }
    let create = if *method == Method::PUT { ", or If-None-Match: * to create it" } else { "" };
    let detail = format!("send If-Match with the ETag of the {}{create}", table.name);
    Err(Problem::new(ProblemKind::PRECONDITION_REQUIRED, detail))
}

/// `@table(requireMatch: true)`: new records need no condition; whatever may change others cannot have one.
pub(super) fn collection_allows(table: &Table, manner: Manner) -> Result<(), Box<Problem>> {
    match manner {
        Manner::As(Intent::Insert) => Ok(()),
        Manner::As(Intent::Put | Intent::PutChanged) => singly(table, "PUT each record under its own path"),
        Manner::Merging => singly(table, "POST without resolution=merge-duplicates, or PATCH the record"),
    }
}

/// `@table(requireMatch: true)`: several records have no version together.
pub(super) fn query_allows(table: &Table) -> Result<(), Box<Problem>> {
    singly(table, "change or delete each record under its own path")
}

fn singly(table: &Table, instead: &str) -> Result<(), Box<Problem>> {
    if !table.require_match {
        return Ok(());
    }
    let detail = format!("{} asks for If-Match, which names one record: {instead}", table.name);
    Err(Problem::new(ProblemKind::PRECONDITION_REQUIRED, detail))
}
