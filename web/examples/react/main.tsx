/** A page in React that answers questions about a file. */

import { type FormEvent, StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { useAnswer, useAudioFlamingo } from "audio-flamingo-2-webgpu/react";

function App() {
  const { model, status, progress, error } = useAudioFlamingo("/models/demo/");
  const [file, setFile] = useState<File>();
  const [question, setQuestion] = useState("what is this sound?");
  const answer = useAnswer(model, file);

  function ask(event: FormEvent) {
    event.preventDefault();
    answer.ask(question);
  }

  if (error) return <p role="alert">{error.message}</p>;
  return (
    <form onSubmit={ask}>
      <p>
        <label>
          Sound: <input type="file" accept="audio/*" required onChange={({ target }) => setFile(target.files?.[0])} />
        </label>
      </p>
      <p>
        <label>
          Question: <input name="question" value={question} required onChange={({ target }) => setQuestion(target.value)} />
        </label>
      </p>
      <button disabled={status !== "ready" || answer.status === "answering"}>Ask</button>
      {status === "loading" && <progress value={progress?.fraction} aria-label="Loading the model" />}
      <p>
        <output>{answer.text}</output>
      </p>
      {answer.error && <p role="alert">{answer.error.message}</p>}
    </form>
  );
}

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
