/** Entry point of the page: starts the panels, which communicate through `events.ts`. */

import { startBenchPanel } from "./bench-panel.js";
import { startCachePanel } from "./cache-panel.js";
import { startConversation } from "./conversation.js";
import { startDevicePanel } from "./device-panel.js";
import { startListener } from "./listener.js";
import { startModelPanel } from "./model-panel.js";
import { startSoundPanel } from "./sound-panel.js";
import { startTheme } from "./theme.js";

startTheme();
startListener();
startConversation();
startBenchPanel();
await Promise.all([startSoundPanel(), startModelPanel()]);
await startDevicePanel();
await startCachePanel();
