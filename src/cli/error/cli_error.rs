//! An error with everything that the user needs: what failed, why, what to do next, a code to
//! search for, and the exit code.

use std::error::Error;
use std::fmt;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};

use crate::base::text::printable_lines;

/// An error on its way to the terminal. All its texts are escaped.
#[derive(Debug)]
pub(crate) struct CliError {
    message: String,
    cause: Option<Box<ErrorCause>>,
    code: &'static str,
    help: String,
    /// The exit code.
    pub(crate) exit: u8,
}

#[derive(Debug)]
struct ErrorCause {
    message: String,
    cause: Option<Box<ErrorCause>>,
}

impl fmt::Display for ErrorCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for ErrorCause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &dyn Error)
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for CliError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &dyn Error)
    }
}

impl Diagnostic for CliError {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.help))
    }
}

fn causes(error: Option<&(dyn Error + 'static)>) -> Option<Box<ErrorCause>> {
    error.map(|error| {
        Box::new(ErrorCause {
            message: printable_lines(&error.to_string(), 20),
            cause: causes(error.source()),
        })
    })
}

impl CliError {
    /// An error of the library, with what to do about it.
    pub(crate) fn new(
        error: &(dyn Error + 'static),
        code: &'static str,
        exit: u8,
        help: impl Into<String>,
    ) -> Self {
        Self {
            message: printable_lines(&error.to_string(), 20),
            cause: causes(error.source()),
            code,
            help: help.into(),
            exit,
        }
    }

    /// A message of the command line's own.
    pub(crate) fn plain(
        message: &str,
        code: &'static str,
        exit: u8,
        help: impl Into<String>,
    ) -> Self {
        Self {
            message: printable_lines(message, 20),
            cause: None,
            code,
            help: help.into(),
            exit,
        }
    }

    /// The text for standard error.
    pub(crate) fn render(&self, colors: bool, width: u16) -> String {
        let theme = if colors {
            GraphicalTheme::unicode()
        } else {
            GraphicalTheme::unicode_nocolor()
        };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(usize::from(width))
            .with_links(false);
        let mut out = String::new();
        match handler.render_report(&mut out, self) {
            // The sentence first: the code is for searching.
            Ok(()) => {
                out.truncate(out.trim_end_matches('\n').len());
                format!("{out}\n  code: {}\n", self.code)
            }
            Err(fmt::Error) => format!("{self}\n"),
        }
    }
}
