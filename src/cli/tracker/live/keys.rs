//! What keys do.

use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What an event of the terminal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// The end.
    Quit,
    /// A fetch from other machines.
    Fetch,
    /// The view again: the terminal has another size.
    Draw,
}

/// What an event asks for, if it asks for anything.
pub(super) fn action(event: &Event) -> Option<Action> {
    match event {
        Event::Key(key) => of_key(*key),
        Event::Resize(..) | Event::FocusGained => Some(Action::Draw),
        _ => None,
    }
}

fn of_key(key: KeyEvent) -> Option<Action> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    match key.code {
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Some(Action::Quit),
        KeyCode::Char('q' | 'Q') | KeyCode::Esc => Some(Action::Quit),
        KeyCode::Char('r' | 'R') => Some(Action::Fetch),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q_escape_and_control_c_quit() {
        let press = |code, modifiers| action(&Event::Key(KeyEvent::new(code, modifiers)));
        let none = KeyModifiers::NONE;
        for code in [KeyCode::Char('q'), KeyCode::Char('Q'), KeyCode::Esc] {
            assert_eq!(press(code, none), Some(Action::Quit));
        }
        let control = KeyModifiers::CONTROL;
        assert_eq!(press(KeyCode::Char('c'), control), Some(Action::Quit));
        assert_eq!(press(KeyCode::Char('c'), none), None);
        assert_eq!(press(KeyCode::Char('r'), none), Some(Action::Fetch));
        assert_eq!(press(KeyCode::Enter, none), None);
        assert_eq!(action(&Event::Resize(80, 24)), Some(Action::Draw));
    }
}
