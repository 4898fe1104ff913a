#!/usr/bin/env node
import { runViewer } from './viewer.ts';

runViewer(process.argv.slice(2), process).then((exitCode) => {
  process.exitCode = exitCode;
});
