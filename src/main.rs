//! The command: learn from files, separate files, look into models. Everything it does, the library does.

mod command;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::command::{Usage, demo, inspect, learn, separate};

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
            eprintln!("unweave: {error:#}");
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}

/// Help and version are answers on stdout; anything else is a usage error, in this program's name.
fn answer(message: &clap::Error) -> ExitCode {
    if !message.use_stderr() {
        print!("{}", message.render());
        return ExitCode::SUCCESS;
    }
    eprint!("{}", message.to_string().replacen("error: ", "unweave: ", 1));
    ExitCode::from(2)
}
