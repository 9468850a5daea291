//! The command line.

mod dev;
mod serve;
mod check;
mod import;
mod export;
mod backup;
mod migrate;
mod watch;
mod offline;
mod files;
mod progress;
mod version;
mod running;

use crate::config::{self, Given};
use crate::zones;
use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;

/// From a schema to a running backend.
///
/// Write schema.graphql, run `stoa dev`, and every type with @table @export answers over REST: with queries, relations,
/// conditional requests and times in any zone, from one file on disk.
#[derive(Debug, Parser)]
#[command(
    name = "stoa",
    arg_required_else_help = true,
    disable_version_flag = true,
    max_term_width = 110,
    after_help = "\
Start here:
  stoa dev examples/storefront
  curl 'http://localhost:9926/Product/?price=lt=100&inStock=true&sort=name'

Settings: a flag goes before the environment (STOA_…), the environment before stoa.toml in the app folder.
STOA_LOG=debug shows every request."
)]
struct Cli {
    /// Print the version.
    #[arg(short = 'V', long)]
    version: bool,
    /// With --version: also what it is made of.
    #[arg(short, long, requires = "version")]
    verbose: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run an app while you write it: reloads when the schema changes.
    #[command(after_help = "\
Pages of any loopback origin may use the server, so that a front end on another port works at once.
A schema with errors, or one that would lose data, is reported; the one before it goes on serving.

Example:
  stoa dev my-app")]
    Dev(ServerArgs),
    /// Run an app for its users.
    #[command(after_help = "\
Without access rules everybody who reaches the server may read and write, so an address that is not
loopback needs --unauthenticated.

With --primary the server is one region of many: it answers reads from a replica of its own and sends
writes to the primary, an unmodified libSQL server (sqld). docs/deploy.md says more.

Example:
  stoa serve my-app --listen 127.0.0.1:9926 --data /var/lib/my-app
  stoa serve my-app --data /var/lib/my-app --primary http://primary:8080")]
    Serve(ServerArgs),
    /// Check an app's schema and say what is wrong, with file, line and column.
    #[command(after_help = "\
Ends with 0 if the schema can be served, with 1 if not.

Example:
  stoa check my-app")]
    Check {
        /// The app folder: schema.graphql or schema/*.graphql.
        #[arg(default_value = ".")]
        app: PathBuf,
    },
    /// Store the records of files, as `PUT` does, without a server.
    #[command(after_help = "\
Every record is stored under its id; one that is there exactly so is left alone, so an import that was
interrupted goes on when it is run again. Names may end in .zst, .gz or .br as well.
Ends with 1 if some lines could not be stored; they are listed, the others are stored.

Example:
  stoa import products.ndjson more.csv.gz --table Product --app my-app
  zcat old.gz | stoa import - --format csv --table Product --app my-app")]
    Import(ImportArgs),
    /// Write the records of tables to files, also while a server runs.
    #[command(after_help = "\
All tables are written as they are at one moment. Without --table each goes to a file of its own; with one,
its records go to standard output, or to --out. A file takes its place when it is complete.

Example:
  stoa export my-app --out backup
  stoa export my-app --table Product --query 'price=lt=100&sort=name' --out cheap.csv.zst")]
    Export(ExportArgs),
    /// Copy the database to a file, also while a server runs.
    #[command(after_help = "\
The copy is the database as it is at one moment, an ordinary libSQL file. In a region it is the replica. Put it
where a server looks for its database to go back to it: docs/deploy.md says where that is.

Example:
  stoa backup my-app --out backup-$(date +%F).db")]
    Backup(BackupArgs),
    /// Bring the database to the schema; say first what that would do.
    #[command(after_help = "\
`dev` and `serve` do by themselves what loses nothing. What drops or converts values is done only here, with
--allow-destructive, and with the server stopped. All of it happens or nothing.

Example:
  stoa migrate my-app --plan
  stoa migrate my-app --allow-destructive")]
    Migrate(MigrateArgs),
    /// Print the changes of records as they happen.
    #[command(after_help = "\
The URL is that of a table, a query or a record, as for GET; a path alone means the server on this machine.
A connection that breaks is taken up where it was. Ctrl-C ends with 0; ends with 1 if the server refuses.

Example:
  stoa watch '/Product/?inStock=true&select=id,stockQuantity'
  stoa watch ws://127.0.0.1:9926/Event/user123 --json | jq .value
  stoa watch /Product/ --once")]
    Watch(WatchArgs),
    /// Print the version.
    #[command(after_help = "\
Example:
  stoa version --verbose")]
    Version {
        /// Also print what it is made of: libSQL, time zone data, target.
        #[arg(short, long)]
        verbose: bool,
    },
}

/// What is imported, and where.
#[derive(Debug, Args)]
struct ImportArgs {
    /// Files with a record on each line; `-` is what comes in on a pipe.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The table: its type's name.
    #[arg(long, value_name = "TABLE")]
    table: String,
    /// The app folder.
    #[arg(long, value_name = "APP", default_value = ".")]
    app: PathBuf,
    /// Folder of the database [default: .stoa in the app].
    #[arg(long, value_name = "DIR", env = "STOA_DATA")]
    data: Option<PathBuf>,
    /// ndjson or csv [default: what the file's name ends in].
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    /// Take every record as new: make ids where there are none, and refuse those that exist.
    #[arg(long)]
    new: bool,
    /// Store all of the file or nothing of it.
    #[arg(long)]
    atomic: bool,
}

/// What is exported, and where to.
#[derive(Debug, Args)]
struct ExportArgs {
    /// The app folder.
    #[arg(default_value = ".")]
    app: PathBuf,
    /// The tables, by their types' names [default: all].
    #[arg(long, value_name = "TABLE", value_delimiter = ',')]
    table: Vec<String>,
    /// Folder of the database [default: .stoa in the app].
    #[arg(long, value_name = "DIR", env = "STOA_DATA")]
    data: Option<PathBuf>,
    /// ndjson, csv, json, cbor or msgpack [default: what the name of --out ends in, else ndjson].
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    /// The file, of one table (`-` is standard output); the folder, of several [default: export].
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// Which records of the table, in which order and with what, as in a URL behind the `?`.
    #[arg(long, value_name = "QUERY")]
    query: Option<String>,
    /// Write @hidden attributes as well.
    #[arg(long)]
    hidden: bool,
}

/// What is copied, and where to.
#[derive(Debug, Args)]
struct BackupArgs {
    /// The app folder.
    #[arg(default_value = ".")]
    app: PathBuf,
    /// Folder of the database [default: .stoa in the app].
    #[arg(long, value_name = "DIR", env = "STOA_DATA")]
    data: Option<PathBuf>,
    /// The file; there must be none of that name.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// What is migrated, and how far.
#[derive(Debug, Args)]
struct MigrateArgs {
    /// The app folder.
    #[arg(default_value = ".")]
    app: PathBuf,
    /// Folder of the database [default: .stoa in the app].
    #[arg(long, value_name = "DIR", env = "STOA_DATA")]
    data: Option<PathBuf>,
    /// The primary, if the folder is that of a region: it is migrated, and no region writes meanwhile.
    #[arg(long, value_name = "URL", env = "STOA_PRIMARY")]
    primary: Option<String>,
    /// Do it, print each statement with its rows and its time, and undo it.
    #[arg(long)]
    plan: bool,
    /// Also drop, convert and replace; what is lost is said before.
    #[arg(long, conflicts_with = "plan")]
    allow_destructive: bool,
}

/// What is watched, and how it is shown.
#[derive(Debug, Args)]
struct WatchArgs {
    /// http://HOST/TABLE/?QUERY, ws://…, or a path of the server at 127.0.0.1:9926; no TLS.
    #[arg(value_name = "URL")]
    url: String,
    /// Print each message as it came, a JSON text on each line.
    #[arg(long)]
    json: bool,
    /// End when the current state is complete.
    #[arg(long, conflicts_with = "no_snapshot")]
    once: bool,
    /// Leave out the current state: print only what comes.
    #[arg(long)]
    no_snapshot: bool,
}

/// What a server is told.
#[derive(Debug, Args)]
struct ServerArgs {
    /// The app folder: schema.graphql, optionally data/*.json and stoa.toml.
    #[arg(default_value = ".")]
    app: PathBuf,
    /// Address and port to listen on [default: 127.0.0.1:9926].
    #[arg(long, value_name = "ADDR", env = "STOA_LISTEN")]
    listen: Option<SocketAddr>,
    /// Folder of the database [default: .stoa in the app].
    #[arg(long, value_name = "DIR", env = "STOA_DATA")]
    data: Option<PathBuf>,
    /// Let everybody who reaches the server read and write.
    #[arg(long, env = "STOA_UNAUTHENTICATED")]
    unauthenticated: bool,
    /// Leave expired records in the database; nobody sees them in any case.
    #[arg(long, env = "STOA_NO_SWEEP")]
    no_sweep: bool,
    /// Keep so many hours of the change log, which subscribers resume from [default: 24].
    #[arg(long, value_name = "HOURS", env = "STOA_LOG_HOURS")]
    log_hours: Option<NonZeroU32>,
    /// Keep no more than so many megabytes of the change log [default: 256].
    #[arg(long, value_name = "MB", env = "STOA_LOG_MEGABYTES")]
    log_megabytes: Option<NonZeroU32>,
    /// How many megabytes of answers are kept in memory, 0 for none [default: 32].
    #[arg(long, value_name = "N", env = "STOA_CACHE_MEGABYTES")]
    cache_megabytes: Option<f64>,
    /// Be a region of this primary, a libSQL server: read from a replica in the data folder, and send writes there. The token
    /// that it asks for stands in STOA_PRIMARY_TOKEN.
    #[arg(long, value_name = "URL", env = "STOA_PRIMARY")]
    primary: Option<String>,
    /// What this region is called in /_stoa/health [default: FLY_REGION, where there is one].
    #[arg(long, value_name = "NAME", env = "STOA_REGION")]
    region: Option<String>,
    /// How old what a region reads may be for /_stoa/ready, while the primary is away [default: 300].
    #[arg(long, value_name = "SECONDS", env = "STOA_READY_AGE_SECONDS")]
    ready_age_seconds: Option<u32>,
    /// Folder of time zone files (TZif) [default: /usr/share/zoneinfo, unless the compiled-in data is newer].
    #[arg(long, value_name = "DIR", env = "STOA_ZONEINFO")]
    zoneinfo: Option<PathBuf>,
}

impl ServerArgs {
    fn given(&self) -> Given {
        Given {
            listen: self.listen,
            data: self.data.clone(),
            unauthenticated: self.unauthenticated,
            no_sweep: self.no_sweep,
            log_hours: self.log_hours,
            log_megabytes: self.log_megabytes,
            cache_megabytes: self.cache_megabytes,
            primary: self.primary.clone(),
            primary_token: config::primary_token(),
            region: self.region.clone().or_else(|| std::env::var("FLY_REGION").ok()),
            ready_age_seconds: self.ready_age_seconds,
        }
    }

    fn use_zones(&self) -> Result<(), String> {
        zones::use_folder(self.zoneinfo.as_deref())
    }
}

/// What is logged unless `STOA_LOG` says otherwise. What the library that fills a replica says of its errors is told by what uses it.
const LOGGED: &str = "info,libsql_replication=off";

/// Runs the command that the arguments name.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_env("STOA_LOG").unwrap_or_else(|_| LOGGED.into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).init();
    let command = cli.command.unwrap_or(Command::Version { verbose: cli.verbose });
    let done = match command {
        Command::Dev(arguments) => arguments.use_zones().and_then(|()| dev::run(&arguments)),
        Command::Serve(arguments) => arguments.use_zones().and_then(|()| serve::run(&arguments)),
        Command::Check { app } => check::run(&app),
        Command::Import(arguments) => import::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Backup(arguments) => backup::run(&arguments),
        Command::Migrate(arguments) => migrate::run(&arguments),
        Command::Watch(arguments) => watch::run(&arguments),
        Command::Version { verbose } => version::run(verbose),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("stoa: {message}");
            ExitCode::FAILURE
        }
    }
}
