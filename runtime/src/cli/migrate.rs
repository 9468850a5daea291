//! `stoa migrate`: the database → the schema of its app, and what servers say of a schema that they do not migrate to.

use super::MigrateArgs;
use super::offline::Offline;
use crate::config;
use crate::limits;
use std::path::Path;
use std::time::Instant;
use stoa_sync::Primary;
use stoa_sync::store::{self, MigrateError, Mode, OpenError, Ran};

/// Migrates, or shows what that would do; the error is for people.
pub(super) fn run(arguments: &MigrateArgs) -> Result<(), String> {
    let app = Offline::load(&arguments.app, arguments.data.clone())?;
    let primary = primary(arguments)?;
    let mode = match (arguments.plan, arguments.allow_destructive) {
        (true, _) => Mode::Plan,
        (false, false) => Mode::Additive,
        (false, true) => Mode::Destructive,
    };
    if mode == Mode::Plan && !app.data.is_dir() && primary.is_none() {
        return Err(format!("there is no data folder {} yet, so there is nothing to plan", app.data.display()));
    }
    let began = Instant::now();
    let mut destructive = false;
    let announce = &mut |lines: &[String]| {
        destructive = !lines.is_empty();
        lines.iter().for_each(|line| println!("{line}"));
    };
    let ran = match &primary {
        None => store::migrate(&app.data, &app.schema, mode, announce),
        Some(primary) => {
            let runtime = tokio::runtime::Runtime::new().map_err(|error| format!("cannot start threads: {error}"))?;
            runtime.block_on(store::migrate_primary(&app.data, primary, app.schema, mode, announce))
        }
    };
    let ran = ran.map_err(|error| opening(&error, &arguments.app))?;
    show(&ran);
    let steps = ran.len();
    let took = format!("{:.3} s", began.elapsed().as_secs_f64());
    match mode {
        _ if steps == 0 => println!("the database has the shape of the schema"),
        Mode::Plan => {
            println!("{steps} steps, {took}; all undone: `{}` carries them out", command(&arguments.app, destructive))
        }
        Mode::Additive | Mode::Destructive => println!("{steps} steps done in {took}"),
    }
    Ok(())
}

/// The primary to migrate, if the database is that of a region.
fn primary(arguments: &MigrateArgs) -> Result<Option<Primary>, String> {
    let file = config::File::of(&arguments.app).map_err(|error| error.to_string())?;
    let token = config::primary_token();
    let url = arguments.primary.clone().or(file.primary);
    url.map(|url| Primary::new(&url, token.as_deref()).map_err(|error| format!("primary: {error}"))).transpose()
}

fn show(ran: &[Ran]) {
    for Ran { statement, rows, took } in ran {
        let rows = rows.map(|rows| format!("{rows} rows, ")).unwrap_or_default();
        println!("{statement};\n  -- {rows}{:.3} s", took.as_secs_f64());
    }
}

/// Why a database was not opened, in words; a schema that would lose data with what it would take.
pub(super) fn opening(error: &OpenError, app: &Path) -> String {
    match error {
        OpenError::Migration(error) => refused(error, app),
        other => other.to_string(),
    }
}

/// Why a schema was refused, with what it would take.
pub(super) fn refused(error: &MigrateError, app: &Path) -> String {
    let MigrateError::Refused(refusal) = error else { return error.to_string() };
    if refusal.plan.is_empty() {
        return error.to_string();
    }
    let plan: Vec<String> = refusal.plan.iter().map(|statement| shortened(statement)).collect();
    let (plan, shown) = (plan.join("\n  "), app.display());
    format!(
        "{error}\nIf that is meant, this would be done:\n  {plan}\n`stoa migrate {shown} --plan` says what is lost; `{}` carries it out, with the server stopped",
        command(app, true)
    )
}

fn command(app: &Path, destructive: bool) -> String {
    format!("stoa migrate {}{}", app.display(), if destructive { " --allow-destructive" } else { "" })
}

fn shortened(statement: &str) -> String {
    match statement.char_indices().nth(limits::SHOWN_STATEMENT_CHARS) {
        Some((end, _)) => format!("{}…", &statement[..end]),
        None => statement.to_owned(),
    }
}
