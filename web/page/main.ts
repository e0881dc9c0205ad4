/** Entry point of the page: one machine, and the views of its state. */

import { startAnswers } from "./answers.js";
import { startAnnouncer } from "./announcer.js";
import { startBanner } from "./banner.js";
import { startBenchPanel } from "./bench-panel.js";
import { startCachePanel } from "./cache-panel.js";
import { startDevicePanel } from "./device-panel.js";
import { startDrop } from "./drop.js";
import { startLiveView } from "./live-view.js";
import { Machine } from "./machine.js";
import { startModelPanel } from "./model-panel.js";
import { startOffline } from "./offline.js";
import { perform } from "./perform.js";
import { Player } from "./player.js";
import { startQuestionForm } from "./question-form.js";
import { startRecordButton } from "./record-button.js";
import { startSamples } from "./samples.js";
import { startSearchView } from "./search-view.js";
import { startSoundPanel } from "./sound-panel.js";
import { startTheme } from "./theme.js";
import { startTimeline } from "./timeline-view.js";

const machine = new Machine(perform);
const player = new Player();

startTheme();
startBanner(machine);
startDrop(machine);
startSoundPanel(machine, player);
startRecordButton(machine);
startLiveView(machine);
startQuestionForm(machine);
startAnswers(machine, player);
startAnnouncer(machine);
startTimeline(machine, player);
startSearchView(machine, player);
startDevicePanel(machine);
startBenchPanel(machine);
startOffline(machine);
machine.start();
await Promise.all([startSamples(machine), startModelPanel(machine), startCachePanel(machine)]);
