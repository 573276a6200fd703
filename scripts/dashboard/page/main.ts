/** The screen: signs in, and shows one of its pages. */

import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import * as z from "zod/mini";
import { ago, moment } from "./format.ts";
import { Book } from "./pages/book.ts";
import { Gates } from "./pages/gates.ts";
import { Lessons } from "./pages/lessons.ts";
import { Log } from "./pages/log.ts";
import { Money } from "./pages/money.ts";
import { Overrides } from "./pages/overrides.ts";
import { Proof } from "./pages/proof.ts";
import { Settings } from "./pages/settings.ts";
import { Sizing } from "./pages/sizing.ts";
import { Today } from "./pages/today.ts";
import { Field, html, link, rowsOf, textOf, useRows, type View, type World, WorldContext } from "./parts.ts";
import * as reads from "./reads.ts";
import {
  forget,
  formerSession,
  type Place,
  remember,
  remembered,
  type Session,
  sessionOfToken,
  signIn,
} from "./session.ts";
import { snapshotShape, SnapshotSource } from "./snapshot.ts";
import { LiveSource, type Source } from "./source.ts";

const PAGES = [
  { name: "today", title: "Today", show: (): View => html`<${Today} />` },
  {
    name: "lessons",
    title: "Lessons",
    show: (detail: string | null): View => html`<${Lessons} detail=${detail} />`,
  },
  { name: "sizing", title: "Sizing", show: (): View => html`<${Sizing} />` },
  {
    name: "overrides",
    title: "Overrides",
    show: (detail: string | null): View => html`<${Overrides} detail=${detail} />`,
  },
  { name: "book", title: "Book", show: (): View => html`<${Book} />` },
  { name: "gates", title: "Gates", show: (): View => html`<${Gates} />` },
  { name: "money", title: "Money", show: (): View => html`<${Money} />` },
  { name: "proof", title: "Proof", show: (): View => html`<${Proof} />` },
  { name: "settings", title: "Settings", show: (): View => html`<${Settings} />` },
  { name: "log", title: "Log", show: (): View => html`<${Log} />` },
];

const REFRESH_MS = 60_000;
const OLD_MS = 72 * 3_600_000;
/** Mining runs every hour. */
const OLD_LEARNING_MS = 3 * 3_600_000;

function placeInAddress(): { page: string; detail: string | null } {
  const [, page = "", detail] = /^#\/([\w-]*)(?:\/(.*))?$/.exec(location.hash) ?? [];
  return {
    page: PAGES.some(({ name }) => name === page) ? page : "today",
    detail: detail === undefined || detail === "" ? null : decodeURIComponent(detail),
  };
}

/** What whoever serves the page says about where the data API is. */
function given(name: string): string {
  return document.querySelector(`meta[name="edgeloop-${name}"]`)?.getAttribute("content") ?? "";
}

function ownPlace(): Place {
  const kept = remembered();
  const served = location.protocol.startsWith("http") ? location.origin : "";
  const url = given("url");
  return {
    url: url !== "" ? url : given("key") !== "" ? served : kept?.url ?? "",
    key: given("key") !== "" ? given("key") : kept?.key ?? "",
  };
}

function ThemeSwitch(): View {
  const [theme, setTheme] = useState(document.documentElement.dataset["theme"] ?? "auto");
  const choose = (event: Event): void => {
    const wanted = textOf(event);
    document.documentElement.dataset["theme"] = wanted;
    setTheme(wanted);
    try {
      localStorage.setItem("edgeloop-theme", wanted);
    } catch {
      // It holds until the page is left.
    }
  };
  return html`<label class="theme"><span class="unseen">Colours</span><select value=${theme} onChange=${choose}>
    <option value="auto">auto</option><option value="light">light</option><option value="dark">dark</option></select></label>`;
}

/** How old what is shown is, said aloud where it is too old. */
function Freshness({ now, takenAt }: { readonly now: number; readonly takenAt: string | null }): View {
  const trades = useRows(reads.trades, { limit: 1 });
  const health = useRows(reads.health);
  const newest = rowsOf(trades)[0]?.traded_at;
  const mined = rowsOf(health).find(({ stage }) => stage === "mine-lessons")?.last_success_at ?? null;
  if (takenAt !== null) {
    return html`<p class="banner">A report of ${moment(takenAt)} UTC: it stays as it is.</p>`;
  }
  const release = rowsOf(health)[0]?.release ?? null;
  const from = release === null ? "" : ` Release ${release}.`;
  if (newest === undefined) return html`<p class="fresh">${from}</p>`;
  const old = now - new Date(newest).getTime() > OLD_MS;
  const idle = mined !== null && now - new Date(mined).getTime() > OLD_LEARNING_MS;
  if (!old && !idle) return html`<p class="fresh">Newest trade ${ago(newest, now)}.${from}</p>`;
  return html`<p class="banner" role="status">${
    old && `These data are old: the newest trade closed ${ago(newest, now)}. `
  }${idle && `Lessons were mined ${ago(mined, now)}; the schedule should do so every hour.`}${from}</p>`;
}

function Shell({ source, role, name, takenAt, endsAt, onLeave }: {
  readonly source: Source;
  readonly role: string;
  readonly name: string;
  readonly takenAt: string | null;
  readonly endsAt: number | null;
  readonly onLeave: () => void;
}): View {
  const [place, setPlace] = useState(placeInAddress());
  const [tick, setTick] = useState(0);
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  const now = takenAt === null ? Date.now() : new Date(takenAt).getTime();
  const current = PAGES.find(({ name: each }) => each === place.page);
  useEffect(() => {
    const follow = (): void => setPlace(placeInAddress());
    addEventListener("hashchange", follow);
    return (): void => removeEventListener("hashchange", follow);
  }, []);
  useEffect(() => {
    document.title = `${current?.title ?? "Edgeloop"} · Edgeloop`;
    if (!first.current) {
      main.current?.focus({ preventScroll: true });
      scrollTo({ top: 0 });
    }
    first.current = false;
  }, [place.page, place.page === "lessons" ? place.detail : null]);
  useEffect(() => {
    if (!source.live) return;
    const timer = setInterval(() => {
      if (document.visibilityState === "visible" && document.querySelector("dialog[open]") === null) {
        setTick((before) => before + 1);
      }
    }, REFRESH_MS);
    return (): void => clearInterval(timer);
  }, [source]);
  const world: World = { source, role, tick, now, refresh: () => setTick((before) => before + 1) };
  const mayRead = !source.live || ["viewer", "pm", "operator"].includes(role);
  return html`
    <${WorldContext.Provider} value=${world}>
      <a class="skip" href="#main" onClick=${(event: Event) => {
        event.preventDefault();
        main.current?.focus();
      }}>To the page</a>
      <header>
        <a class="name" href=${link("today")}>Edgeloop</a>
        <nav aria-label="Pages">
          <ul>${PAGES.map(({ name: each, title }) =>
            html`<li><a href=${link(each)} aria-current=${
              each === place.page ? "page" : undefined
            }>${title}</a></li>`
          )}</ul>
        </nav>
        <div class="who">
            <${ThemeSwitch} />
            ${source.live && html`
              <button type="button" class="plain-button" onClick=${() => setTick(tick + 1)}>Refresh</button>
              <span class="role" title=${name}>${role}</span>
              <button type="button" class="plain-button" onClick=${onLeave}>Leave</button>
            `}
          </div>
      </header>
      <main id="main" tabindex="-1" ref=${main}>
          ${mayRead && html`<${Freshness} now=${now} takenAt=${takenAt} />`}
          ${endsAt !== null && endsAt < Date.now() && html`
            <p class="banner"
              role="alert">Your link has expired. Take a new one from the terminal, and leave to use it.</p>
          `}
          ${!mayRead && html`
            <p class="banner"
              role="alert">You are signed in as ${name}, without a learning role, so nothing may be shown: somebody must set learning_role in your app_metadata, then sign in again.</p>
          `}
          ${mayRead && current?.show(place.detail)}
        </main>
      <//>
  `;
}

function SignIn(
  { place, trouble, onSession }: {
    readonly place: Place;
    readonly trouble: string | null;
    readonly onSession: (session: Session, token: string | null) => void;
  },
): View {
  const [url, setUrl] = useState(place.url);
  const [key, setKey] = useState(place.key);
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [token, setToken] = useState("");
  const [refused, setRefused] = useState(trouble);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    document.title = "Sign in · Edgeloop";
  }, []);
  const enter = async (event: Event): Promise<void> => {
    event.preventDefault();
    const target = { url: url.trim().replace(/\/$/, ""), key: key.trim() };
    if (!/^https?:\/\//.test(target.url)) {
      return setRefused("The address of the project begins with https://.");
    }
    setBusy(true);
    const session = token.trim() !== ""
      ? sessionOfToken(target, token.trim())
      : await signIn(target, email, password);
    setBusy(false);
    if (typeof session === "string") setRefused(session);
    else onSession(session, token.trim() === "" ? null : token.trim());
  };
  return html`
    <main id="main" class="door">
      <h1>Edgeloop</h1>
      <p class="lead">What it learned, whether it pays, and a hand on the wheel.</p>
      <form onSubmit=${enter}>
        <${Field}
          label="Address of the project"><input type="url" required value=${url} placeholder="https://….supabase.co" onInput=${(
            event: Event,
          ) => setUrl(textOf(event))} /><//>
          <${Field} label="Publishable key"><input required value=${key} placeholder="sb_publishable_…" onInput=${(
            event: Event,
          ) => setKey(textOf(event))} /><//>
          <fieldset><legend>Sign in</legend>
            <${Field} label="Mail address"><input type="email" autocomplete="username" value=${email} required=${token ===
              ""} onInput=${(event: Event) => setEmail(textOf(event))} /><//>
            <${Field} label="Password"><input type="password" autocomplete="current-password" value=${password} required=${token ===
              ""} onInput=${(event: Event) => setPassword(textOf(event))} /><//>
          </fieldset>
          <fieldset><legend>or bring a token</legend>
            <${Field} label="Token"><input value=${token} spellcheck="false" autocomplete="off" onInput=${(
              event: Event,
            ) => setToken(textOf(event))} /><//>
            <p class="note">A stack on this machine has no sign-in: <code>task start</code> prints a link for each role.</p>
          </fieldset>
          ${refused !== null && html`<p class="trouble" role="alert">${refused}</p>`}
          <div class="row"><button type="submit" class="primary" disabled=${busy}>Enter</button></div>
        </form>
      </main>
  `;
}

function App(
  { arrived, trouble }: { readonly arrived: Session | null; readonly trouble: string | null },
): View {
  const [session, setSession] = useState<Session | null>(arrived);
  const [source, setSource] = useState<Source | null>(
    arrived === null ? null : new LiveSource(arrived.client),
  );
  const enter = (entered: Session, token: string | null): void => {
    remember(entered.place, token);
    setSource(new LiveSource(entered.client));
    setSession(entered);
  };
  const leave = (): void => {
    forget();
    if (session !== null && session.endsAt === null) session.client.auth.signOut({ scope: "local" });
    setSession(null);
    setSource(null);
  };
  if (session === null || source === null) {
    return html`<${SignIn} place=${ownPlace()} trouble=${trouble} onSession=${enter} />`;
  }
  return html`
    <${Shell} source=${source} role=${session.role} name=${session.name} takenAt=${null} endsAt=${session
      .endsAt}
      onLeave=${leave} />
  `;
}

/** The token in the fragment, which is taken out of the address at once: links are shared. */
function tokenInAddress(): string | null {
  if (!location.hash.startsWith("#token=")) return null;
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  history.replaceState(null, "", `${location.pathname}${location.search}#/today`);
  return token;
}

async function arrive(): Promise<{ arrived: Session | null; trouble: string | null }> {
  const brought = tokenInAddress();
  const place = ownPlace();
  const token = brought ?? remembered()?.token ?? null;
  if (token !== null && place.url !== "") {
    const session = sessionOfToken(place, token);
    if (typeof session === "string") {
      forget();
      return { arrived: null, trouble: session };
    }
    remember(place, token);
    return { arrived: session, trouble: null };
  }
  if (place.url === "" || place.key === "") return { arrived: null, trouble: null };
  try {
    return { arrived: await formerSession(place) ?? null, trouble: null };
  } catch {
    return { arrived: null, trouble: null };
  }
}

async function begin(): Promise<void> {
  try {
    const kept = z.enum(["auto", "light", "dark"]).safeParse(localStorage.getItem("edgeloop-theme"));
    document.documentElement.dataset["theme"] = kept.data ?? "auto";
  } catch {
    document.documentElement.dataset["theme"] = "auto";
  }
  const root = document.getElementById("app");
  if (root === null) return;
  const taken = document.getElementById("snapshot")?.textContent;
  if (taken !== undefined && taken !== null) {
    const snapshot = snapshotShape.parse(JSON.parse(taken));
    render(
      html`
        <${Shell} source=${new SnapshotSource(snapshot)} role="reader" name="report" takenAt=${snapshot
          .taken_at} endsAt=${null}
          onLeave=${() => {}} />
      `,
      root,
    );
    return;
  }
  const { arrived, trouble } = await arrive();
  render(html`<${App} arrived=${arrived} trouble=${trouble} />`, root);
}

begin();
