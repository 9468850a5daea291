//! `{"$ref": n}` in the bodies of a commit: the id of the record that an earlier operation makes. Ids that are known
//! before the commit are written into the body's text; those that only the database knows are noted for it.

use serde_json::value::RawValue;
use std::borrow::Cow;
use stoa_schema::limits::NESTED_DEPTH;
use stoa_schema::model::{AttributeId, Kind, Table};
use stoa_schema::value::json::{elements, members};
use stoa_schema::value::{Value, Violation, ViolationCode, pointer, push_json};

/// What is known of the record of an operation before the commit.
#[derive(Clone, Debug)]
pub enum Made {
    /// Its id.
    Id(Value),
    /// The database chooses it.
    Later {
        /// The position of the write that stores it.
        write: usize,
        /// The type of its id.
        kind: Kind,
    },
    /// It is not one record that is there afterwards.
    Nothing,
}

/// A body without references.
#[derive(Debug, Default)]
pub struct Resolved {
    /// Its JSON.
    pub text: String,
    /// The attributes whose values the database has to fill in.
    pub later: Vec<Later>,
}

/// An attribute that gets an id which is not known yet; something of its type stands in its place.
#[derive(Clone, Debug)]
pub struct Later {
    /// The position of the record, if the body is an array.
    pub element: Option<usize>,
    /// The name of the attribute.
    pub name: String,
    /// The position of the write that stores the record.
    pub made_by: usize,
    kind: Kind,
}

impl Later {
    /// The attribute; `None` if the server sets it, so that what is sent does not count.
    ///
    /// # Errors
    /// It cannot hold such an id.
    pub fn attribute(&self, table: &Table) -> Result<Option<AttributeId>, Violation> {
        let Some(id) = table.attribute_named(&self.name) else { return Err(self.misplaced()) };
        let attribute = table.attribute(id);
        let holds = matches!(
            (&self.kind, &attribute.kind),
            (Kind::Int, Kind::Int)
                | (Kind::Int | Kind::Long, Kind::Long)
                | (Kind::Id | Kind::String, Kind::Id | Kind::String)
        );
        match holds && !attribute.list {
            true => Ok(Some(id).filter(|_| !attribute.server_set())),
            false => Err(self.misplaced()),
        }
    }

    fn misplaced(&self) -> Violation {
        let place = self.element.map(|at| format!("/{at}")).unwrap_or_default() + &pointer(&self.name);
        violation(&place, format!("{} cannot hold an id that is chosen when its record is stored", self.name))
    }
}

/// Puts ids in the places of references. `made`: of the operations before this one.
///
/// # Errors
/// All references to what has no id.
pub fn resolve(text: &str, made: &[Made]) -> Result<Resolved, Vec<Violation>> {
    let mut resolving = Resolving { made, resolved: Resolved::default(), violations: Vec::new() };
    match text.contains("$ref") {
        true => resolving.body(text),
        false => text.clone_into(&mut resolving.resolved.text),
    }
    if resolving.violations.is_empty() { Ok(resolving.resolved) } else { Err(resolving.violations) }
}

struct Resolving<'m> {
    made: &'m [Made],
    resolved: Resolved,
    violations: Vec<Violation>,
}

impl Resolving<'_> {
    /// A record, or an array of records.
    fn body(&mut self, text: &str) {
        let Ok(records) = elements(text) else { return self.record(text, None, "") };
        self.push("[");
        for (at, record) in records.into_iter().enumerate() {
            self.push(if at > 0 { "," } else { "" });
            self.record(record.get(), Some(at), &format!("/{at}"));
        }
        self.push("]");
    }

    /// What is no object stays as it is: whoever reads the record says so.
    fn record(&mut self, text: &str, element: Option<usize>, place: &str) {
        let Ok(members) = members(text) else { return self.push(text) };
        let mut separator = "{";
        for (name, raw) in &members {
            self.name(separator, name);
            separator = ",";
            let place = format!("{place}{}", pointer(name));
            match reference(raw.get()).map(|number| self.id(number, &place)) {
                Some(Some(Made::Later { write, kind })) => {
                    self.push(if matches!(kind, Kind::Int | Kind::Long) { "0" } else { "\"0\"" });
                    let name = name.clone().into_owned();
                    self.resolved.later.push(Later { element, name, made_by: write, kind });
                }
                Some(made) => self.known(made, &place),
                None => self.value(raw.get(), &place, 0),
            }
        }
        self.push(if members.is_empty() { "{}" } else { "}" });
    }

    /// A value at any depth; one that is too deep is copied, and refused by its reader.
    fn value(&mut self, text: &str, place: &str, depth: usize) {
        if depth > NESTED_DEPTH || !text.contains("$ref") {
            return self.push(text);
        }
        if let Ok(values) = elements(text) {
            self.push("[");
            for (at, value) in values.into_iter().enumerate() {
                self.push(if at > 0 { "," } else { "" });
                self.value(value.get(), &format!("{place}/{at}"), depth + 1);
            }
            return self.push("]");
        }
        let Ok(members) = members(text) else { return self.push(text) };
        if let Some(number) = number(&members) {
            let made = self.id(number, place);
            return self.known(made, place);
        }
        let mut separator = "{";
        for (name, value) in &members {
            self.name(separator, name);
            separator = ",";
            self.value(value.get(), &format!("{place}{}", pointer(name)), depth + 1);
        }
        self.push("}");
    }

    /// What is known of the operation with this number.
    fn id(&mut self, number: &str, place: &str) -> Option<Made> {
        let earlier = number.parse::<usize>().ok().and_then(|at| self.made.get(at));
        let message = match earlier {
            None => format!("$ref names an operation before this one, counted from 0; {number} is none"),
            Some(Made::Nothing) => format!("operation {number} does not store one record"),
            Some(made) => return Some(made.clone()),
        };
        self.violations.push(violation(place, message));
        None
    }

    fn known(&mut self, made: Option<Made>, place: &str) {
        match made {
            Some(Made::Id(id)) => push_json(&id, &mut self.resolved.text),
            Some(Made::Later { .. }) => {
                let message =
                    "this id is chosen when its record is stored; it can only be the whole value of an attribute";
                self.violations.push(violation(place, message.into()));
            }
            // Told already.
            Some(Made::Nothing) | None => self.push("null"),
        }
    }

    fn name(&mut self, separator: &str, name: &str) {
        self.push(separator);
        push_json(&Value::Text(name.to_owned()), &mut self.resolved.text);
        self.push(":");
    }

    fn push(&mut self, text: &str) {
        self.resolved.text.push_str(text);
    }
}

/// The number in `{"$ref": n}`. A text there is data: JSON Schemas have it.
fn number<'a>(members: &[(Cow<'a, str>, &'a RawValue)]) -> Option<&'a str> {
    let [(name, number)] = members else { return None };
    let is_number = number.get().starts_with(|first: char| first == '-' || first.is_ascii_digit());
    (name == "$ref" && is_number).then(|| number.get())
}

/// The number, if the value of an attribute is a reference.
fn reference(text: &str) -> Option<&str> {
    if !text.starts_with('{') || !text.contains("$ref") {
        return None;
    }
    number(&members(text).ok()?)
}

fn violation(pointer: &str, message: String) -> Violation {
    Violation { pointer: pointer.to_owned(), code: ViolationCode::Reference, message }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test ends on the first surprise")]
mod tests {
    use super::{Made, resolve};
    use stoa_schema::model::Kind;
    use stoa_schema::value::Value;

    fn made() -> [Made; 3] {
        [Made::Id(Value::Text("a\"b".into())), Made::Later { write: 4, kind: Kind::Long }, Made::Nothing]
    }

    #[test]
    fn references_become_ids_wherever_they_stand() {
        let body = r#" {"a":{"$ref":0},"b": [ {"$ref": 0}, 1e400 ],"c":{"d":{"$ref":0}},"e":{"$ref":"x"},"f":{"$ref":0,"g":1}}"#;
        let resolved = resolve(body, &made()).unwrap();
        let id = r#""a\"b""#;
        let expected =
            format!(r#"{{"a":{id},"b":[{id},1e400],"c":{{"d":{id}}},"e":{{"$ref":"x"}},"f":{{"$ref":0,"g":1}}}}"#);
        assert_eq!(resolved.text, expected);
        assert!(resolved.later.is_empty());
    }

    #[test]
    fn an_id_that_is_not_known_yet_is_noted() {
        let resolved = resolve(r#"[{"x":1},{"a":{"$ref":1}}]"#, &made()).unwrap();
        assert_eq!(resolved.text, r#"[{"x":1},{"a":0}]"#);
        let [later] = <[_; 1]>::try_from(resolved.later).unwrap();
        assert_eq!((later.element, later.name.as_str(), later.made_by), (Some(1), "a", 4));
    }

    #[test]
    fn what_has_no_id_is_refused_where_it_stands() {
        let places = |text| resolve(text, &made()).unwrap_err().into_iter().map(|it| it.pointer).collect::<Vec<_>>();
        assert_eq!(places(r#"{"a":{"$ref":2},"b/c":{"$ref":3},"d":{"$ref":-1}}"#), ["/a", "/b~1c", "/d"]);
        assert_eq!(places(r#"[{"a":[{"$ref":1}]}]"#), ["/0/a/0"]);
    }
}
