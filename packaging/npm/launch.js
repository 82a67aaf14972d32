// Starts one of the two programs out of the package that npm installed for this platform. Nothing is fetched, and nothing runs when
// the package is installed. packaging/fill.sh copies this file as it is.
'use strict';

const { spawn } = require('node:child_process');
const path = require('node:path');

/** The program's place, or null where there is none for this platform. */
function find(name) {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const platform = `claude-usage-sync-${process.platform}-${process.arch}`;
  try {
    return path.join(path.dirname(require.resolve(`${platform}/package.json`)), name + suffix);
  } catch {
    return null;
  }
}

module.exports = function launch(name) {
  const program = find(name);
  if (program === null) {
    console.error(
      `${name}: there is no program for ${process.platform} on ${process.arch} here. Install without --omit=optional; ` +
        'or build it: cargo install claude-usage-sync',
    );
    process.exit(1);
  }
  const child = spawn(program, process.argv.slice(2), { stdio: 'inherit', windowsHide: true });
  // Whoever stops this process means the program.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => child.kill(signal));
  }
  child.on('error', (error) => {
    console.error(`${name}: failed to start ${program}: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    if (signal === null) {
      process.exit(code);
    }
    for (const known of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
      process.removeAllListeners(known);
    }
    process.kill(process.pid, signal);
  });
};
