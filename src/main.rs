//! The command: learn from files, separate files, inspect models. The library does the work.

mod command;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::command::{Usage, demo, inspect, learn, print, separate, tell};

/// Takes sounds apart: learns what their parts look like, then separates them.
#[derive(Parser)]
#[command(name = "unweave", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Learn(learn::Arguments),
    Separate(separate::Arguments),
    Inspect(inspect::Arguments),
    Demo(demo::Arguments),
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(message) => return answer(&message),
    };
    let done = match arguments.command {
        Command::Learn(arguments) => learn::run(&arguments),
        Command::Separate(arguments) => separate::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format_args!("{error:#}"));
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}

/// Help and version are printed on stdout; anything else is a usage error, in this program's name.
fn answer(message: &clap::Error) -> ExitCode {
    let text = message.to_string();
    if message.use_stderr() {
        tell(&text.trim_end().trim_start_matches("error: "));
        return ExitCode::from(2);
    }
    match print(&text.trim_end()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
