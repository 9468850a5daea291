//! The checked schema: tables, their attributes and relations, and the rules declared on them.
//!
//! Everything here has been validated by [`crate::sdl`]: every index points at something that exists, names are unique
//! within their table (also when case is ignored, as SQL does), and each table has a primary key.

mod nested;

pub use nested::{NestedType, NestedTypes};

use std::collections::HashMap;
use std::sync::Arc;

/// Position of a [`Table`] in [`Schema::tables`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableId(pub usize);

/// Position of an [`Attribute`] in [`Table::attributes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttributeId(pub usize);

/// Position of a [`Relation`] in [`Table::relations`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RelationId(pub usize);

/// All that the schema files declare.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    /// The types with `@table`, in the order of declaration.
    pub tables: Vec<Table>,
    /// The types without.
    pub types: Arc<NestedTypes>,
    exports: HashMap<String, TableId>,
}

impl Schema {
    /// A schema of these tables, whose attributes may hold these types; exported tables can be found by their path.
    pub fn new(tables: Vec<Table>, types: Arc<NestedTypes>) -> Self {
        let exports =
            tables.iter().enumerate().filter_map(|(at, table)| Some((table.export.clone()?, TableId(at)))).collect();
        Self { tables, types, exports }
    }

    /// The table with this id.
    pub fn table(&self, id: TableId) -> &Table {
        &self.tables[id.0]
    }

    /// The table that `@export` serves under this path segment.
    pub fn exported(&self, path: &str) -> Option<TableId> {
        self.exports.get(path).copied()
    }

    /// The table with this name, exported or not.
    pub fn named(&self, name: &str) -> Option<TableId> {
        self.tables.iter().position(|table| table.name == name).map(TableId)
    }

    /// The path segments under which tables are served.
    pub fn exports(&self) -> impl Iterator<Item = &str> {
        self.tables.iter().filter_map(|table| table.export.as_deref())
    }
}

/// A type with `@table`.
#[derive(Clone, Debug)]
pub struct Table {
    /// The type's name, or `@table(name:)`.
    pub name: String,
    /// The path segment under which it is served (`@export`, `@export(name:)`).
    pub export: Option<String>,
    /// What the schema says above the type.
    pub description: Option<String>,
    /// The stored attributes, in the order of declaration.
    pub attributes: Vec<Attribute>,
    /// The joins to other tables, in the order of declaration.
    pub relations: Vec<Relation>,
    /// The attribute that identifies a record.
    pub key: AttributeId,
    /// `@table(expiration:)`: seconds after which a record is gone.
    pub expiration_seconds: Option<u64>,
    /// `@table(cacheControl:)`.
    pub cache_control: Option<String>,
    /// `@table(requireMatch: true)`: writes need `If-Match`.
    pub require_match: bool,
    /// `@open`: where undeclared attributes are kept, as one JSON object. The last attribute; nothing finds it by a name.
    pub open: Option<AttributeId>,
    /// `@check(expr:)` on the type.
    pub checks: Vec<RecordCheck>,
    /// `@unique(fields:)` on the type.
    pub uniques: Vec<UniqueSet>,
    /// `@noOverlap` on the type.
    pub no_overlaps: Vec<NoOverlap>,
    /// Where it is declared.
    pub position: Position,
}

impl Table {
    /// The attribute with this id.
    pub fn attribute(&self, id: AttributeId) -> &Attribute {
        &self.attributes[id.0]
    }

    /// The relation with this id.
    pub fn relation(&self, id: RelationId) -> &Relation {
        &self.relations[id.0]
    }

    /// The primary key.
    pub fn key(&self) -> &Attribute {
        self.attribute(self.key)
    }

    /// The attribute with this name.
    pub fn attribute_named(&self, name: &str) -> Option<AttributeId> {
        let found = self.attributes.iter().position(|attribute| attribute.name == name).map(AttributeId);
        found.filter(|id| Some(*id) != self.open)
    }

    /// The attribute with this name, if answers and queries may name it.
    pub fn shown_named(&self, name: &str) -> Option<AttributeId> {
        self.attribute_named(name).filter(|id| !self.attribute(*id).hidden)
    }

    /// Whether there is an index to find records by this attribute.
    pub fn is_indexed(&self, id: AttributeId) -> bool {
        // A key of several parts is unique as a whole; a condition on it asks for one of the parts.
        self.attribute(id).indexed || (id == self.key && !self.key().list)
    }

    /// The relation with this name.
    pub fn relation_named(&self, name: &str) -> Option<RelationId> {
        self.relations.iter().position(|relation| relation.name == name).map(RelationId)
    }

    /// Whether the database makes some of its values: computed ones, and those of `@expiresAt(max:)`.
    pub fn computes(&self) -> bool {
        let bounded = |attribute: &Attribute| attribute.expires_at.is_some_and(|expires| expires.max_seconds.is_some());
        self.attributes.iter().any(|attribute| attribute.computed.is_some() || bounded(attribute))
    }

    /// Whether its records can expire.
    pub fn expires(&self) -> bool {
        self.expiration_seconds.is_some() || self.attributes.iter().any(|attribute| attribute.expires_at.is_some())
    }

    /// The attributes whose values are given rather than computed, in order.
    pub fn stored(&self) -> Vec<AttributeId> {
        let stored = self.attributes.iter().enumerate().filter(|(_, attribute)| attribute.computed.is_none());
        stored.map(|(at, _)| AttributeId(at)).collect()
    }

    /// The names of all attributes and relations that are shown, for suggestions.
    pub fn field_names(&self) -> impl Iterator<Item = &str> {
        let shown = self.attributes.iter().filter(|attribute| !attribute.hidden);
        let attributes = shown.map(|attribute| attribute.name.as_str());
        attributes.chain(self.relations.iter().map(|relation| relation.name.as_str()))
    }
}

/// The name of the attribute in which an open table keeps what is undeclared. No GraphQL name has a `$`.
pub const UNDECLARED: &str = "$open";

/// A stored attribute.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// Its name in records and queries.
    pub name: String,
    /// What the schema says above it.
    pub description: Option<String>,
    /// The type of its value, or of its elements when it is a list.
    pub kind: Kind,
    /// `[T]`.
    pub list: bool,
    /// `T!`: never null.
    pub required: bool,
    /// `@indexed`.
    pub indexed: bool,
    /// `@createdTime` or `@updatedTime`: the server sets it.
    pub stamp: Option<Stamp>,
    /// `@expiresAt`.
    pub expires_at: Option<ExpiresAt>,
    /// `@computed(from:)`.
    pub computed: Option<Computed>,
    /// `@unique`.
    pub unique: bool,
    /// `@check` on the field.
    pub check: Option<FieldCheck>,
    /// `@hidden`: stored, never shown.
    pub hidden: bool,
    /// The types that a nested value may hold at any depth.
    pub types: Arc<NestedTypes>,
    /// Where it is declared.
    pub position: Position,
}

impl Attribute {
    /// An attribute without directives.
    pub fn new(name: impl Into<String>, kind: Kind, position: Position) -> Self {
        Self {
            name: name.into(),
            description: None,
            kind,
            list: false,
            required: false,
            indexed: false,
            stamp: None,
            expires_at: None,
            computed: None,
            unique: false,
            check: None,
            hidden: false,
            types: Arc::default(),
            position,
        }
    }

    /// Where an open table keeps undeclared attributes: an object, and hidden because it is shown as its members.
    pub(crate) fn undeclared(position: Position) -> Self {
        Self { hidden: true, ..Self::new(UNDECLARED, Kind::Any, position) }
    }

    /// Its nested type, if it holds values of one.
    pub fn nested(&self) -> Option<&NestedType> {
        let Kind::Nested(name) = &self.kind else { return None };
        self.types.named(name)
    }

    /// Whether its values are stored as JSON text.
    pub fn stored_as_json(&self) -> bool {
        self.list || matches!(self.kind, Kind::Any | Kind::Nested(_))
    }

    /// Whether its values are kept as instants when they are RFC 3339 date-times.
    pub fn holds_instants(&self) -> bool {
        matches!(self.kind, Kind::String | Kind::Date)
    }

    /// Whether the server alone sets it, so that a value in a body is ignored.
    pub fn server_set(&self) -> bool {
        self.stamp.is_some() || self.computed.is_some()
    }
}

/// The type of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text that identifies; never read as a time.
    Id,
    /// Text; an RFC 3339 date-time is kept as an instant.
    String,
    /// 32-bit signed integer.
    Int,
    /// 64-bit signed integer.
    Long,
    /// Integer of any size.
    BigInt,
    /// 64-bit IEEE 754 number, finite.
    Float,
    /// `true` or `false`.
    Boolean,
    /// An RFC 3339 date-time (kept as an instant) or a bare date.
    Date,
    /// Bytes, as base64 in JSON.
    Bytes,
    /// Any JSON value.
    Any,
    /// A type without `@table`, stored inside the record.
    Nested(String),
}

impl Kind {
    /// The built-in types, by their names in SDL.
    pub const BUILT_IN: [(&'static str, Kind); 10] = [
        ("ID", Kind::Id),
        ("String", Kind::String),
        ("Int", Kind::Int),
        ("Long", Kind::Long),
        ("BigInt", Kind::BigInt),
        ("Float", Kind::Float),
        ("Boolean", Kind::Boolean),
        ("Date", Kind::Date),
        ("Bytes", Kind::Bytes),
        ("Any", Kind::Any),
    ];

    /// The built-in type with this name.
    pub fn named(name: &str) -> Option<Kind> {
        Self::BUILT_IN.into_iter().find(|(known, _)| *known == name).map(|(_, kind)| kind)
    }

    /// Its name in SDL.
    pub fn name(&self) -> &str {
        match self {
            Kind::Id => "ID",
            Kind::String => "String",
            Kind::Int => "Int",
            Kind::Long => "Long",
            Kind::BigInt => "BigInt",
            Kind::Float => "Float",
            Kind::Boolean => "Boolean",
            Kind::Date => "Date",
            Kind::Bytes => "Bytes",
            Kind::Any => "Any",
            Kind::Nested(name) => name,
        }
    }

    /// Whether its values have an order, which an index and a sort need.
    pub fn has_order(&self) -> bool {
        match self {
            Kind::Any | Kind::Nested(_) => false,
            Kind::Id
            | Kind::String
            | Kind::Int
            | Kind::Long
            | Kind::BigInt
            | Kind::Float
            | Kind::Boolean
            | Kind::Date
            | Kind::Bytes => true,
        }
    }

    /// How libSQL stores it.
    pub fn storage(&self) -> Storage {
        match self {
            Kind::Int | Kind::Long | Kind::Boolean => Storage::Integer,
            Kind::Float => Storage::Real,
            Kind::Bytes => Storage::Blob,
            Kind::Id | Kind::String | Kind::Date | Kind::BigInt | Kind::Any | Kind::Nested(_) => Storage::Text,
        }
    }
}

/// The storage class of a column in a STRICT table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// 64-bit signed integer.
    Integer,
    /// IEEE 754 double.
    Real,
    /// UTF-8.
    Text,
    /// Bytes.
    Blob,
}

/// Which moment the server writes into an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// When the record was first stored.
    Created,
    /// When it was last changed.
    Updated,
}

/// `@computed(from:)`: the database makes the value of others of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Computed {
    /// The expression, which [`crate::expression::Expression::computed`] can read.
    pub from: String,
    /// Where the directive stands.
    pub position: Position,
}

/// `@expiresAt(max:)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpiresAt {
    /// The longest life of a record, in seconds.
    pub max_seconds: Option<u64>,
}

/// A join: the records of `target` whose `remote` attribute equals (or holds) this record's `local` attribute.
#[derive(Clone, Debug)]
pub struct Relation {
    /// The name under which it is selected.
    pub name: String,
    /// The attribute of this table.
    pub local: AttributeId,
    /// The joined table.
    pub target: TableId,
    /// The attribute of the joined table.
    pub remote: AttributeId,
    /// Whether it shows a list (`[T]`) or one record.
    pub many: bool,
    /// Whether this side holds the reference (`from:`).
    pub from: bool,
    /// What becomes of this record when the referenced one is deleted.
    pub on_delete: OnDelete,
    /// Where it is declared.
    pub position: Position,
}

/// `@relationship(onDelete:)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDelete {
    /// The reference stays as it is.
    Nothing,
    /// The delete is refused.
    Restrict,
    /// The referring record is deleted as well.
    Cascade,
    /// The reference becomes null.
    SetNull,
}

/// A literal of the schema.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// An integer.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// A text.
    Text(String),
    /// `true` or `false`.
    Bool(bool),
}

/// `@check(min:, max:, pattern:, in:)` on a field.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FieldCheck {
    /// The least value allowed.
    pub min: Option<Literal>,
    /// The greatest value allowed.
    pub max: Option<Literal>,
    /// The regular expression that a text must contain a match of.
    pub pattern: Option<Pattern>,
    /// The only values allowed.
    pub one_of: Vec<Literal>,
}

/// A regular expression; its syntax is that of the `regex` crate, and a match takes time linear in the text.
#[derive(Clone, Debug)]
pub struct Pattern(regex::Regex);

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// It is no regular expression, or one too large to be kept; in words.
    pub fn new(text: &str) -> Result<Self, String> {
        let built = regex::RegexBuilder::new(text).size_limit(crate::limits::PATTERN_BYTES).build();
        built.map(Self).map_err(|error| error.to_string())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether it matches somewhere in a text.
    pub fn matches(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

/// `@check(expr:, name:)` on a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordCheck {
    /// The condition every stored record meets.
    pub expr: String,
    /// Its name in errors.
    pub name: Option<String>,
    /// Where it is declared.
    pub position: Position,
}

/// `@unique(fields:, unless:)` on a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UniqueSet {
    /// The attributes that together are unique.
    pub fields: Vec<AttributeId>,
    /// Records for which this holds do not count.
    pub unless: Option<String>,
    /// Where it is declared.
    pub position: Position,
}

/// `@noOverlap(start:, end:, by:, unless:, capacity:, name:)`.
#[derive(Clone, Debug, PartialEq)]
pub struct NoOverlap {
    /// Where the interval begins (included).
    pub start: AttributeId,
    /// Where it ends (excluded).
    pub end: AttributeId,
    /// The attributes whose values are the keys.
    pub by: Vec<AttributeId>,
    /// Records for which this holds do not block.
    pub unless: Option<String>,
    /// How many may overlap: a number, or an expression such as a path to an attribute. Without one: none may.
    pub capacity: Option<Literal>,
    /// Its name in errors, unique in its table.
    pub name: String,
    /// Where it is declared.
    pub position: Position,
}

/// A place in a schema file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The file's name, as given.
    pub file: Arc<str>,
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
}
