//! `diptych qr`: a text as a code.

use std::io::{Read as _, Write};

use crate::args::QrArgs;
use crate::exit::Exit;
use crate::fail::Fail;
use crate::qr::Code;
use crate::window::Window;

/// Bytes of standard input that are read; no code holds as many.
const INPUT: u64 = 4096;

pub(crate) fn qr(args: &QrArgs, out: &mut dyn Write, err: &mut dyn Write) -> Result<Exit, Fail> {
    let code = if args.text == "-" {
        let mut text = String::new();
        std::io::stdin().lock().take(INPUT).read_to_string(&mut text)?;
        Code::new(text.trim_end_matches(['\r', '\n']))?
    } else {
        Code::new(&args.text)?
    };
    if let Some(path) = &args.png {
        code.save_png(path)?;
        writeln!(out, "wrote {}", path.display())?;
    }
    if let Some(path) = &args.svg {
        std::fs::write(path, code.svg())
            .map_err(|source| Fail::Write { path: path.clone(), source })?;
        writeln!(out, "wrote {}", path.display())?;
    }
    if args.png.is_none() && args.svg.is_none() {
        out.write_all(code.terminal().as_bytes())?;
        out.flush()?;
        // Only a terminal has a window, and there is only the prompt below the code.
        if let Some(lacks) = Window::of(std::io::stdout()).and_then(|window| code.lacks(window, 1))
        {
            writeln!(err, "diptych: {lacks}, or use --png FILE")?;
        }
    }
    Ok(Exit::Done)
}
