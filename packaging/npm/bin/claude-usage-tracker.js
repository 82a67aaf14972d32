#!/usr/bin/env node
'use strict';

require('../launch.js')('claude-usage-tracker');
