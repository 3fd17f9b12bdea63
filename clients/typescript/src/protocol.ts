// The Lathe protocol, and its HTTP wire. Generated: lathe schema --typescript.

export type ClientFrame = Submission | CallFrame;
export interface Submission {
  id: string;
  /** absent: the session that this connection configured */
  session?: string;
  op: Op;
}
export interface CallFrame {
  id: string;
  call: Call;
}

export type ServerFrame = Event | Ack | ReplyFrame | ErrorFrame;
/** A durable event has v, seq and crc, a passing one none of them. */
export interface Event {
  v?: 1;
  session: string;
  seq?: number;
  id: string;
  by?: string;
  /** unix milliseconds */
  ts: number;
  msg: EventMsg;
  crc?: string;
}
export interface Ack {
  id: string;
  ack: { seq: number; session: string };
}
export interface ReplyFrame {
  id: string;
  reply: Reply;
}
export interface ErrorFrame {
  id: string;
  error: { code: string; message: string; hint: string; retryable: boolean };
}

export type Op =
  | ConfigureSessionOp
  | UserInputOp
  | InterruptOp
  | ApprovalOp
  | ExecApprovalOp
  | PatchApprovalOp
  | UserAnswerOp
  | ContextOp
  | MentionOp
  | TerminalInputOp
  | TerminalResizeOp
  | SetModelOp
  | CompactOp
  | RollbackOp
  | ShutdownOp;

/** Creates a session, or reconfigures one: a Task that is running is aborted first. Absent fields keep their value. */
export interface ConfigureSessionOp {
  type: "configure_session";
  /** model name, or backend/model */
  model?: string;
  /** name of a configured backend */
  backend?: string;
  /** absolute folder in which tools work; where hello has the feature `folder`, a descriptor of it that comes with the bytes of this line, and of no other, decides (SCM_RIGHTS) */
  cwd?: string;
  /** when a person is asked (default on-request) */
  approval_policy?: ApprovalPolicy;
  /** what happens to a question (default client) */
  ask?: AskMode;
  /** ceilings of each Task */
  budget?: Budget;
  /** added to the system prompt */
  instructions?: string;
  /** tried in order when the model cannot be used */
  fallback_models?: string[];
  /** a name for lists */
  title?: string;
  /** what commands may write (default workspace-write) */
  sandbox_mode?: SandboxMode;
  /** what commands may reach (default none) */
  network?: NetworkMode;
  /** hosts that the proxy lets through unasked */
  allow_hosts?: string[];
}

/** Starts a Task, or reaches the one that runs. */
export interface UserInputOp {
  type: "user_input";
  /** what the person says */
  items: ContentPart[];
  /** when a Task runs: replace it (default), steer it, or queue behind it */
  if_busy?: IfBusy;
  /** continue from this bookmark instead of the latest */
  last_response_id?: string;
  /** JSON Schema that the final answer must follow */
  output_schema?: unknown;
  /** ceilings of this Task; one that is left out is the session's */
  budget?: Budget;
}

/** Stops the running Task and every process that it started. */
export interface InterruptOp {
  type: "interrupt";
}

/** Answers an open question about one exact action. The first answer settles it; a parked Task goes on with the last. */
export interface ApprovalOp {
  type: "approval";
  /** the question's id */
  id: string;
  /** the answer */
  decision: Decision;
  /** told to the model */
  note?: string;
  /** arguments to use instead; decided anew */
  amended_input?: unknown;
}

/** Answers an open question about one exact action. The first answer settles it; a parked Task goes on with the last. */
export interface ExecApprovalOp {
  type: "exec_approval";
  /** the question's id */
  id: string;
  /** the answer */
  decision: Decision;
  /** told to the model */
  note?: string;
  /** arguments to use instead; decided anew */
  amended_input?: unknown;
}

/** Answers an open question about one exact action. The first answer settles it; a parked Task goes on with the last. */
export interface PatchApprovalOp {
  type: "patch_approval";
  /** the question's id */
  id: string;
  /** the answer */
  decision: Decision;
  /** told to the model */
  note?: string;
  /** arguments to use instead; decided anew */
  amended_input?: unknown;
}

/** Answers a user_question. A parked Task goes on with the last answer. */
export interface UserAnswerOp {
  type: "user_answer";
  /** the question's id */
  id: string;
  /** one for each question, in order */
  answers: string[];
}

/** Adds text that the model sees with the next input, such as a selection. */
export interface ContextOp {
  type: "context";
  /** the text */
  text: string;
  /** the file that it is from */
  path?: string;
}

/** Points the model at lines of a file with the next input. */
export interface MentionOp {
  type: "mention";
  /** the file */
  path: string;
  /** first line, from 1 */
  line_start?: number;
  /** last line */
  line_end?: number;
}

/** Types into a live shell or background job. */
export interface TerminalInputOp {
  type: "terminal_input";
  /** the job */
  job: string;
  /** what is typed; control characters as they are */
  text: string;
}

/** Tells a live shell the size of the person's terminal. */
export interface TerminalResizeOp {
  type: "terminal_resize";
  /** the job */
  job: string;
  /** width in characters */
  columns: number;
  /** height in characters */
  rows: number;
}

/** Changes the model from the next Turn on; the Task goes on. */
export interface SetModelOp {
  type: "set_model";
  /** model name, or backend/model */
  model: string;
  /** name of a configured backend */
  backend?: string;
}

/** Replaces the older conversation by a summary. The originals stay in the journal. */
export interface CompactOp {
  type: "compact";
}

/** Takes back the end of the conversation. Refused while a Task runs. */
export interface RollbackOp {
  type: "rollback";
  /** how far back */
  to: RollbackTarget;
  /** what happens to files: keep, or restore through undo */
  files?: RollbackFiles;
}

/** Ends the running Task and closes the session; shutdown_complete follows. To go on, configure or subscribe to it again. */
export interface ShutdownOp {
  type: "shutdown";
}

export type EventMsg =
  | SessionConfiguredEvent
  | ForkedFromEvent
  | TaskStartedEvent
  | UserMessageEvent
  | ContextAddedEvent
  | AgentMessageEvent
  | AgentMessageDeltaEvent
  | AgentReasoningEvent
  | AgentReasoningDeltaEvent
  | ItemResetEvent
  | ToolCallsEvent
  | ExecCommandBeginEvent
  | ExecCommandOutputDeltaEvent
  | ExecCommandEndEvent
  | PatchApplyBeginEvent
  | PatchApplyEndEvent
  | ToolCallBeginEvent
  | ToolCallEndEvent
  | ExecApprovalRequestEvent
  | ApplyPatchApprovalRequestEvent
  | ApprovalRequestEvent
  | ApprovalResolvedEvent
  | UserQuestionEvent
  | UserQuestionAnsweredEvent
  | TurnCompleteEvent
  | TurnAbortedEvent
  | TurnDiffEvent
  | TaskParkedEvent
  | TaskResumedEvent
  | TaskCompleteEvent
  | TokenCountEvent
  | BudgetEvent
  | PlanUpdateEvent
  | CompactedEvent
  | StreamErrorEvent
  | SessionUpdatedEvent
  | RolledBackEvent
  | JobEndEvent
  | AgentStartedEvent
  | AgentEndedEvent
  | NetworkDecisionEvent
  | WorkspaceSnapshotEvent
  | FilesRestoredEvent
  | WarningEvent
  | ErrorEvent
  | LaggedEvent
  | ShutdownCompleteEvent
  | SessionChangedEvent;

/** The session's configuration; the first event of a session, and after each change of it. */
export interface SessionConfiguredEvent {
  type: "session_configured";
  /** UUIDv7 */
  session_id: string;
  /** model name at the backend */
  model: string;
  /** name of the backend */
  backend: string;
  /** wire format: openai_responses, openai_chat, anthropic, …; empty where there was no key */
  provider: string;
  /** absolute folder in which tools work */
  cwd: string;
  /** when a person is asked */
  approval_policy: ApprovalPolicy;
  /** what happens to a question */
  ask: AskMode;
  /** ceilings of each Task */
  budget?: Budget;
  /** the whole system prompt, kept for a stable prefix */
  system_prompt?: string;
  /** tried in order */
  fallback_models?: string[];
  /** a name for lists */
  title?: string;
  /** level of confinement that commands run at */
  sandbox: string;
  /** what commands may write */
  sandbox_mode?: SandboxMode;
  /** what commands may reach */
  network?: NetworkMode;
  /** hosts that the proxy lets through unasked */
  allow_hosts?: string[];
  /** what runs the Tasks */
  driver: string;
  /** answers come from a recording */
  replayed?: boolean;
  /** the session whose model spawned this one */
  parent_session?: string;
  /** name of the agent that was spawned */
  agent?: string;
  /** names of those above that no client chose: when a Task starts they are what the person's settings say then */
  from_settings?: string[];
}

/** First record of a forked session: everything up to that seq is the parent's. */
export interface ForkedFromEvent {
  type: "forked_from";
  /** the parent */
  session_id: string;
  /** last record of the parent that counts */
  seq: number;
  /** the bookmark that was forked from */
  response_id?: string;
}

/** A Task begins. */
export interface TaskStartedEvent {
  type: "task_started";
  /** UUIDv7 */
  task: string;
  /** tokens; 0 when unknown */
  context_window?: number;
  /** its ceilings */
  budget?: Budget;
  /** JSON Schema that the final answer must follow */
  output_schema?: unknown;
  /** it only compacts the conversation */
  compact_only?: boolean;
}

/** What a person said; recording it is what acknowledges a user_input. */
export interface UserMessageEvent {
  type: "user_message";
  /** the item's id */
  item: string;
  /** text and images */
  content: ContentPart[];
  /** said into a running Task */
  steer?: boolean;
}

/** Text that Lathe put before the model: facts, project documents, a nudge. */
export interface ContextAddedEvent {
  type: "context_added";
  /** the item's id */
  item: string;
  /** where it is from */
  kind: ContextKind;
  /** exactly what the model sees */
  text: string;
}

/** A whole message of the model; completes its deltas. */
export interface AgentMessageEvent {
  type: "agent_message";
  /** the item's id */
  item: string;
  /** the text, Markdown */
  text: string;
  /** incomplete when it was cut short */
  status?: ItemStatus;
}

/** More text of a message. */
export interface AgentMessageDeltaEvent {
  type: "agent_message_delta";
  /** the item's id */
  item: string;
  /** bytes of the item before this text */
  offset: number;
  /** the text */
  text: string;
}

/** Reasoning that the model showed, with what its provider wants back. */
export interface AgentReasoningEvent {
  type: "agent_reasoning";
  /** the item's id */
  item: string;
  /** the text, or a summary */
  text: string;
  /** wire format that `opaque` belongs to */
  provider?: string;
  /** sent back to that provider unchanged */
  opaque?: unknown;
  /** incomplete when it was cut short */
  status?: ItemStatus;
}

/** More text of reasoning. */
export interface AgentReasoningDeltaEvent {
  type: "agent_reasoning_delta";
  /** the item's id */
  item: string;
  /** bytes of the item before this text */
  offset: number;
  /** the text */
  text: string;
}

/** The stream is tried again: forget the deltas of this item. */
export interface ItemResetEvent {
  type: "item_reset";
  /** the item's id */
  item: string;
}

/** The calls that one answer of the model asked for, recorded before any of them runs. */
export interface ToolCallsEvent {
  type: "tool_calls";
  /** in the model's order */
  calls: ToolCall[];
  /** the provider's own */
  provider_response_id?: string;
  /** backend/model that answered */
  model?: string;
  /** tokens of the answer; counted with turn_complete */
  usage?: Usage;
  /** millionths of a US dollar; absent when the price is unknown */
  cost_micro_usd?: number;
  /** stop, tool_calls, length, content_filter or other */
  finish_reason?: string;
}

/** A command is about to run. Recorded before it starts. */
export interface ExecCommandBeginEvent {
  type: "exec_command_begin";
  /** the call */
  call_id: string;
  /** argv */
  command: string[];
  /** absolute folder */
  cwd: string;
  /** level of confinement it runs at; "none" outside the jail */
  sandbox?: string;
  /** it goes on in the background under this id */
  job?: string;
}

/** Output of a command that runs. */
export interface ExecCommandOutputDeltaEvent {
  type: "exec_command_output_delta";
  /** the call */
  call_id: string;
  /** bytes of both streams before this text */
  offset: number;
  /** which stream */
  stream: OutputStream;
  /** the text */
  text: string;
}

/** A command ended, or was refused. */
export interface ExecCommandEndEvent {
  type: "exec_command_end";
  /** the call */
  call_id: string;
  /** exit code, 128 + signal; absent when it never ran to an end */
  exit_code?: number;
  /** status and output */
  outcome: CallOutcome;
}

/** Files are about to change. Recorded before they do. */
export interface PatchApplyBeginEvent {
  type: "patch_apply_begin";
  /** the call */
  call_id: string;
  /** file by file */
  changes: FileChange[];
}

/** Files were changed, or not. */
export interface PatchApplyEndEvent {
  type: "patch_apply_end";
  /** the call */
  call_id: string;
  /** status and output */
  outcome: CallOutcome;
}

/** Any other tool is about to run. */
export interface ToolCallBeginEvent {
  type: "tool_call_begin";
  /** the call */
  call_id: string;
  /** the tool's name */
  tool: string;
  /** what it does, in a few words for a person */
  title?: string;
}

/** Any other tool ended, or the call could not be run. */
export interface ToolCallEndEvent {
  type: "tool_call_end";
  /** the call */
  call_id: string;
  /** the tool's name */
  tool: string;
  /** status and output */
  outcome: CallOutcome;
}

/** May this command run? */
export interface ExecApprovalRequestEvent {
  type: "exec_approval_request";
  /** the question's id */
  id: string;
  /** the call */
  call_id: string;
  /** argv */
  command: string[];
  /** absolute folder */
  cwd: string;
  /** text for its standard input; absent: it is empty */
  stdin?: string;
  /** it runs in a live terminal, into which more can be typed */
  tty?: boolean;
  /** it goes on after the call */
  background?: boolean;
  /** when it is ended; absent: it may run without end */
  timeout_ms?: number;
  /** variables that it gets besides the usual ones, NAME=value */
  env?: string[];
  /** files of the workspace that it would run or read outside the sandbox; the approval holds for their content */
  files?: BoundFile[];
  /** why, in the model's words */
  reason?: string;
  /** what made it a question */
  rule: string;
  /** the simple commands that a shell makes of it */
  commands?: string[];
  /** it would run without confinement */
  outside_sandbox?: boolean;
  /** what the jail refused when it ran confined */
  refused?: string;
  /** the rule that approved_always writes */
  always_rule?: string;
  /** unix milliseconds; unanswered by then, it is denied */
  expires_at?: number;
}

/** May these files be changed? */
export interface ApplyPatchApprovalRequestEvent {
  type: "apply_patch_approval_request";
  /** the question's id */
  id: string;
  /** the call */
  call_id: string;
  /** file by file */
  changes: FileChange[];
  /** absolute folder that relative paths start from */
  cwd?: string;
  /** the files that really change, links resolved: for each change its path, then where it moves to; an approval for the session is for these */
  paths?: string[];
  /** why, in the model's words */
  reason?: string;
  /** what made it a question */
  rule: string;
  /** the rule that approved_always writes */
  always_rule?: string;
  /** unix milliseconds; unanswered by then, it is denied */
  expires_at?: number;
}

/** May this tool be called? */
export interface ApprovalRequestEvent {
  type: "approval_request";
  /** the question's id */
  id: string;
  /** the call */
  call_id: string;
  /** the tool's name */
  tool: string;
  /** its arguments */
  arguments: string;
  /** the files and folders that it opens, links resolved */
  paths?: string[];
  /** why, in the model's words */
  reason?: string;
  /** what made it a question */
  rule: string;
  /** the rule that approved_always writes */
  always_rule?: string;
  /** unix milliseconds; unanswered by then, it is denied */
  expires_at?: number;
}

/** A question was settled. */
export interface ApprovalResolvedEvent {
  type: "approval_resolved";
  /** the question's id */
  id: string;
  /** the call */
  call_id: string;
  /** the answer */
  decision: Decision;
  /** who answered, as the client named itself, or what decided when nobody did */
  by: string;
  /** told to the model */
  note?: string;
  /** arguments used instead */
  amended_input?: unknown;
  /** the rule that approved_always wrote */
  rule_written?: string;
}

/** The model asks the person. */
export interface UserQuestionEvent {
  type: "user_question";
  /** the question's id */
  id: string;
  /** the call */
  call_id: string;
  /** to be answered in order */
  questions: Question[];
}

/** The person answered, or nobody could. */
export interface UserQuestionAnsweredEvent {
  type: "user_question_answered";
  /** the question's id */
  id: string;
  /** the call */
  call_id: string;
  /** one for each question; empty when nobody could answer */
  answers: string[];
  /** who answered, as the client named itself */
  by: string;
}

/** A Turn ended: the model answered and its calls have results. The bookmark to continue or fork from. */
export interface TurnCompleteEvent {
  type: "turn_complete";
  /** ours; continues or forks from here on any provider */
  response_id: string;
  /** the provider's own */
  provider_response_id?: string;
  /** backend/model that answered */
  model: string;
  /** tokens of this Turn */
  usage: Usage;
  /** millionths of a US dollar; absent when the price is unknown */
  cost_micro_usd?: number;
  /** stop, tool_calls, length, content_filter or other */
  finish_reason?: string;
}

/** The Task was ended before the model was done. */
export interface TurnAbortedEvent {
  type: "turn_aborted";
  /** what ended it */
  reason: AbortReason;
  /** which budget, which call, … */
  detail?: string;
}

/** All changes that file tools made in this Task, as one diff. */
export interface TurnDiffEvent {
  type: "turn_diff";
  /** cut at 256 KiB, which it says */
  unified_diff: string;
}

/** The Task waits only for a person; it needs no process until then. */
export interface TaskParkedEvent {
  type: "task_parked";
  /** ids of what it waits for */
  questions: string[];
  /** how long it ran since it started or went on, whatever the wall clock was set to */
  active_ms?: number;
  /** it stopped at the edge of a Turn and waits for the next daemon, which goes on with it */
  handed_over?: boolean;
}

/** A parked Task goes on. */
export interface TaskResumedEvent {
  type: "task_resumed";
  /** the Task */
  task: string;
}

/** The model is done. */
export interface TaskCompleteEvent {
  type: "task_complete";
  /** the Task */
  task: string;
  /** the answer */
  last_agent_message?: string;
  /** tokens of the whole Task */
  usage: Usage;
  /** millionths of a US dollar; absent when a price is unknown */
  cost_micro_usd?: number;
  /** model requests */
  turns: number;
  /** tool calls */
  tool_calls: number;
  /** wall time */
  duration_ms: number;
}

/** Tokens so far. */
export interface TokenCountEvent {
  type: "token_count";
  /** of this Task */
  total: Usage;
  /** of the last Turn */
  last: Usage;
  /** size of the conversation now */
  context_tokens: number;
  /** the model's limit; 0 when unknown */
  context_window?: number;
}

/** A budget is used up to 80 %, or spent. */
export interface BudgetEvent {
  type: "budget";
  /** turns, tool_calls, tokens, micro_usd or millis */
  kind: string;
  /** so far */
  used: number;
  /** the ceiling */
  limit: number;
}

/** The model's plan, whole. */
export interface PlanUpdateEvent {
  type: "plan_update";
  /** why it changed */
  explanation?: string;
  /** all steps */
  plan: PlanStep[];
}

/** The older conversation was replaced by a summary for the model. The originals stay in the journal. */
export interface CompactedEvent {
  type: "compacted";
  /** the item's id */
  item: string;
  /** what the model sees instead */
  summary: string;
  /** items from this seq on are kept whole */
  keep_from_seq: number;
  /** estimate before */
  tokens_before: number;
  /** estimate after; always smaller */
  tokens_after: number;
  /** tokens of the summary request */
  usage?: Usage;
  /** its cost; absent when the price is unknown */
  cost_micro_usd?: number;
}

/** A model request failed and is tried again. */
export interface StreamErrorEvent {
  type: "stream_error";
  /** what went wrong */
  message: string;
  /** error code */
  code: string;
  /** the retry that follows, from 1 */
  attempt: number;
  /** retries at most */
  of: number;
  /** pause before it */
  wait_ms: number;
}

/** Some of the configuration changed without a new configure. */
export interface SessionUpdatedEvent {
  type: "session_updated";
  /** the new model */
  model?: string;
  /** the new backend */
  backend?: string;
  /** its wire format */
  provider?: string;
  /** the new title */
  title?: string;
}

/** The end of the conversation was taken back; what is taken back stays in the journal. */
export interface RolledBackEvent {
  type: "rolled_back";
  /** last record that still counts; 0: none */
  to_seq: number;
  /** the bookmark that is the latest again */
  response_id?: string;
  /** how many Tasks were taken back, when asked so */
  tasks?: number;
}

/** A background job or live shell ended; the model is told. */
export interface JobEndEvent {
  type: "job_end";
  /** the job */
  job: string;
  /** the call that started it */
  call_id: string;
  /** how it ended */
  state: JobState;
  /** exit code, or 128 + signal */
  exit_code?: number;
  /** the end of its output */
  tail?: string;
  /** SHA-256 of all that was kept of its output */
  output_blob?: string;
  /** bytes that it wrote */
  output_bytes?: number;
  /** what the jail seems to have refused it, as its output tells */
  refused?: string;
}

/** The model spawned a sub-agent: a session of its own. */
export interface AgentStartedEvent {
  type: "agent_started";
  /** the sub-agent's session */
  session: string;
  /** the call that spawned it */
  call_id: string;
  /** its name */
  agent?: string;
  /** the parent goes on meanwhile */
  background?: boolean;
}

/** A sub-agent ended; what it used counts in the parent's budget. */
export interface AgentEndedEvent {
  type: "agent_ended";
  /** the sub-agent's session */
  session: string;
  /** the call that spawned it */
  call_id: string;
  /** how it ended */
  status: CallStatus;
  /** its answer */
  last_agent_message?: string;
  /** tokens */
  usage: Usage;
  /** millionths of a US dollar; absent when a price is unknown */
  cost_micro_usd?: number;
  /** model requests */
  turns: number;
  /** tool calls */
  tool_calls: number;
}

/** The egress proxy let a connection of a command through, or not. */
export interface NetworkDecisionEvent {
  type: "network_decision";
  /** the name asked for, in its canonical form */
  host: string;
  /** the port */
  port: number;
  /** the address that was dialled */
  address?: string;
  /** whether it was let through */
  allowed: boolean;
  /** what decided */
  rule: string;
}

/** The workspace was snapshotted before the first command of a Task. */
export interface WorkspaceSnapshotEvent {
  type: "workspace_snapshot";
  /** its id */
  snapshot: string;
  /** the Task */
  task: string;
  /** files covered */
  files: number;
  /** what undo cannot bring back: ignored, too large */
  not_covered?: string[];
}

/** Files were brought back to what they were. */
export interface FilesRestoredEvent {
  type: "files_restored";
  /** the Task or Turn before which they were so */
  to: string;
  /** files that have their former content again */
  restored?: string[];
  /** files that did not exist then */
  removed?: string[];
  /** changed since by someone else, left alone */
  conflicts?: string[];
}

/** Something a person should know; the Task goes on. */
export interface WarningEvent {
  type: "warning";
  /** stable name */
  code?: string;
  /** the text */
  message: string;
}

/** Something failed. */
export interface ErrorEvent {
  type: "error";
  /** error code */
  code: string;
  /** what failed */
  message: string;
  /** what to do */
  hint?: string;
  /** may succeed later as it is */
  retryable: boolean;
  /** the Task is over */
  ends_task?: boolean;
}

/** This subscriber was too slow: subscribe again from the last seq. */
export interface LaggedEvent {
  type: "lagged";
  /** last record that was sent */
  last_seq: number;
}

/** The session is closed; nothing more comes. Without a session: the daemon ends, told to who watches all. */
export interface ShutdownCompleteEvent {
  type: "shutdown_complete";
  /** the next daemon goes on with it: connect again and subscribe */
  handed_over?: boolean;
}

/** How a session stands by now, for clients that watch all of them. */
export interface SessionChangedEvent {
  type: "session_changed";
  /** the session */
  session: SessionInfo;
  /** ids of what it waits for */
  open_questions?: string[];
  /** it was removed, or is no longer listed */
  gone?: boolean;
}

export type Call =
  | HelloCall
  | SessionListCall
  | SessionGetCall
  | SessionSubscribeCall
  | SessionUnsubscribeCall
  | SessionClaimCall
  | SessionForkCall
  | SessionArchiveCall
  | SessionTagCall
  | SessionMarkReadCall
  | SessionRemoveCall
  | SessionSearchCall
  | SessionExportCall
  | ApprovalListCall
  | ApprovalAnswerCall
  | ModelListCall
  | BackendListCall
  | BackendTestCall
  | UsageCall
  | IndexRebuildCall
  | UndoCall
  | PolicyExplainCall
  | PolicyTestCall
  | TrustListCall
  | TrustSetCall
  | ChainCheckCall
  | ChainShowCall
  | ChainSchemaCall
  | DaemonStatusCall
  | DaemonReloadCall
  | DaemonStopCall
  | DaemonHandOverCall
  | VitalsCall
  | WatchCall;

/** Names the client. First where a token is needed, optional elsewhere. */
export interface HelloCall {
  type: "hello";
  /** name of the program */
  client: string;
  /** kept over reconnects; op ids are unique within it */
  client_id?: string;
  /** names of what it needs */
  features?: string[];
  /** where one is needed */
  token?: string;
  /** NAME=value: for commands of the sessions that it configures, and keys of backends; kept in memory only */
  environment?: string[];
  /** what follows is another's, who is let in by the token of this hello or of a later one, as over TCP; it is so where the reply has the feature `relay` */
  relayed?: boolean;
  /** NAME=value: umask and limits (nofile=SOFT:HARD, … as ulimit names them, - for none) of its process, for those sessions */
  process?: string[];
}

/** Lists sessions. */
export interface SessionListCall {
  type: "session_list";
  /** at most this many; 0: all */
  limit?: number;
  /** next_cursor of the page before */
  cursor?: string;
  /** only sessions of this folder */
  cwd?: string;
  /** archived ones too */
  archived?: boolean;
  /** only sessions with this tag */
  tag?: string;
  /** only unread ones */
  unread?: boolean;
}

/** One session by id, by the unique start of an id, or "last". */
export interface SessionGetCall {
  type: "session_get";
  /** id, start of an id, or "last" */
  session: string;
}

/** Sends every durable event after `since`, then what is in flight, then all that comes. */
export interface SessionSubscribeCall {
  type: "session_subscribe";
  /** the session's id */
  session: string;
  /** last seq that the client saw; 0: everything, -1: only new, beyond the last one: an error */
  since?: number;
  /** it answers no questions, so none waits for it; so it is with a token without the scope approve */
  only_looks?: boolean;
}

/** Ends a subscription. */
export interface SessionUnsubscribeCall {
  type: "session_unsubscribe";
  /** the session's id */
  session: string;
}

/** Makes this connection the only one that may drive the session and its agents, until it ends, unsubscribes or releases it, or the session is closed. Others see all that happens; their ops and answers are refused with `claimed`. It is subscribed to what it claims. */
export interface SessionClaimCall {
  type: "session_claim";
  /** the session's id */
  session: string;
  /** gives it back instead */
  release?: boolean;
}

/** A new session that continues from a point of another; nothing is copied. */
export interface SessionForkCall {
  type: "session_fork";
  /** the parent */
  session: string;
  /** the bookmark; absent: the latest */
  response_id?: string;
}

/** Hides a session from the list, or shows it again. Hiding is refused while another process holds it or a Task runs in it. */
export interface SessionArchiveCall {
  type: "session_archive";
  /** the session's id */
  session: string;
  /** hide or show */
  archived: boolean;
}

/** Adds tags to a session, and takes others away; with neither it tells those there are. A tag is one word of at most 64 bytes without `/` and `,`; a session has at most 32. */
export interface SessionTagCall {
  type: "session_tag";
  /** the session's id */
  session: string;
  /** tags that it gets */
  add?: string[];
  /** tags that it loses; one that it has not is no error */
  remove?: string[];
}

/** Says that a person has looked at the session, or takes that back. Front ends call it where they show a person what came of a Task. */
export interface SessionMarkReadCall {
  type: "session_mark_read";
  /** the session's id */
  session: string;
  /** the last record that was looked at; 0: all there are */
  seq?: number;
  /** nothing of it counts as looked at any more */
  unread?: boolean;
}

/** Deletes a session. Refused while it is held by a process or other sessions are forked from it. */
export interface SessionRemoveCall {
  type: "session_remove";
  /** the session's id */
  session: string;
}

/** Full-text search over what was said, run and answered. */
export interface SessionSearchCall {
  type: "session_search";
  /** words, all of which must occur; "…" for a phrase */
  query: string;
  /** at most this many (default 20) */
  limit?: number;
}

/** Reads a session's records, those of its parents first; needs no lock. Of a damaged session those before the damage are given, and the page after them is the error. */
export interface SessionExportCall {
  type: "session_export";
  /** the session's id */
  session: string;
  /** records after this seq */
  since?: number;
  /** records of one page (default 1,000) */
  limit?: number;
}

/** Lists open questions of all sessions. */
export interface ApprovalListCall {
  type: "approval_list";
}

/** Answers an open question of any session, and lets its Task go on. `settled` where another answer was first. */
export interface ApprovalAnswerCall {
  type: "approval_answer";
  /** the question's id */
  id: string;
  /** the answer to an approval */
  decision?: Decision;
  /** told to the model */
  note?: string;
  /** the answers to a user_question */
  answers?: string[];
  /** let the Task go on in this engine */
  resume: boolean;
  /** ceilings of the Task that goes on; the time is counted from here on, all else from its beginning */
  budget?: Budget;
}

/** Asks the backends which models they have. */
export interface ModelListCall {
  type: "model_list";
  /** only this one */
  backend?: string;
}

/** Lists backends: configured, from the environment, found on this machine. */
export interface BackendListCall {
  type: "backend_list";
}

/** Asks a backend for its models and, when told, for one short answer (which may be billed). */
export interface BackendTestCall {
  type: "backend_test";
  /** its name */
  backend: string;
  /** the model to ask */
  model?: string;
  /** also ask for an answer */
  ask_model?: boolean;
}

/** Tokens and cost by day, model, session, folder or project. */
export interface UsageCall {
  type: "usage";
  /** day (default), model, session, folder, or project: the repository that a folder belongs to */
  by?: string;
  /** the first day that counts, YYYY-MM-DD of UTC; absent: all */
  since?: string;
}

/** Makes the SQLite index anew from the streams. */
export interface IndexRebuildCall {
  type: "index_rebuild";
}

/** Brings files back to what they were before a Task or Turn. */
export interface UndoCall {
  type: "undo";
  /** the session */
  session: string;
  /** before this Task (default: the last one) */
  task?: string;
  /** before this Turn */
  response_id?: string;
  /** only tell */
  dry_run?: boolean;
}

/** Decides about an action without doing it. */
export interface PolicyExplainCall {
  type: "policy_explain";
  /** a shell command; or a tool with its arguments */
  command?: string;
  /** name of a tool */
  tool?: string;
  /** its arguments */
  arguments?: unknown;
  /** used as the person's own rules */
  policy_file?: string;
  /** absolute folder whose project's rules count */
  cwd?: string;
  /** instead of the configured one */
  approval_policy?: ApprovalPolicy;
  /** instead of the configured one */
  sandbox_mode?: SandboxMode;
}

/** Runs the examples that stand inside a rule file. */
export interface PolicyTestCall {
  type: "policy_test";
  /** absolute path */
  policy_file: string;
}

/** Lists what a repository wants loaded or executed, by content hash. */
export interface TrustListCall {
  type: "trust_list";
  /** absolute folder */
  path: string;
}

/** Trusts these contents, or takes the trust back. */
export interface TrustSetCall {
  type: "trust_set";
  /** absolute folder */
  path: string;
  /** hashes as trust_list gave them */
  sha256: string[];
  /** false takes it back */
  trusted: boolean;
}

/** Checks the chains of a file without running them. */
export interface ChainCheckCall {
  type: "chain_check";
  /** its name, for messages; .json makes it JSON, all else is YAML */
  file: string;
  /** what is in it */
  text: string;
  /** fields that no dialect has are errors */
  strict?: boolean;
  /** names that --var will give a value */
  variables?: string[];
}

/** Shows a chain in another form. An error when it cannot be understood. */
export interface ChainShowCall {
  type: "chain_show";
  /** its name, for messages; .json makes it JSON, all else is YAML */
  file: string;
  /** what is in it */
  text: string;
  /** id of one of its chains, where it has several */
  chain?: string;
  /** a picture, or the file with what its tasks inherit and where that is from */
  form: ChainForm;
}

/** Tells what a workflow file of ours may hold. */
export interface ChainSchemaCall {
  type: "chain_schema";
}

/** Tells what the daemon does. */
export interface DaemonStatusCall {
  type: "daemon_status";
}

/** Takes in what changed of the person's files (settings, models, rules), which otherwise happens before each Task. What is broken is the error, and what the files said before holds. */
export interface DaemonReloadCall {
  type: "daemon_reload";
}

/** Ends the daemon and what runs in it; everything is kept. */
export interface DaemonStopCall {
  type: "daemon_stop";
  /** only when no other client is there and no session is open */
  if_unused?: boolean;
}

/** Has the daemon end for another one to take its place: no new work is taken, Tasks stop at the edge of a Turn, and jobs go on. Done when no Task runs any more, or that took too long. For clients of the socket only. */
export interface DaemonHandOverCall {
  type: "daemon_hand_over";
}

/** Tells how the process that serves clients is. */
export interface VitalsCall {
  type: "vitals";
}

/** Sends a session_changed for each session, the newest last, then one for each change of any of them, those of other processes included, until the connection ends. After lagged it is called again. */
export interface WatchCall {
  type: "watch";
  /** archived ones and those of sub-agents too */
  archived?: boolean;
}

export type Reply =
  | OkReply
  | HelloReply
  | SessionListReply
  | SessionGetReply
  | SessionSubscribeReply
  | SessionForkReply
  | SessionTagReply
  | SessionSearchReply
  | SessionExportReply
  | ApprovalListReply
  | ApprovalAnswerReply
  | ModelListReply
  | BackendListReply
  | BackendTestReply
  | UsageReply
  | IndexRebuildReply
  | UndoReply
  | PolicyExplainReply
  | PolicyTestReply
  | TrustListReply
  | ChainCheckReply
  | ChainShowReply
  | ChainSchemaReply
  | DaemonStatusReply
  | DaemonHandOverReply
  | VitalsReply;

/** Done. */
export interface OkReply {
  type: "ok";
}

/** Who answers, and what it can do. */
export interface HelloReply {
  type: "hello";
  /** version of this Lathe */
  version: string;
  /** names of what it can do */
  features: string[];
}

/** Sessions, newest first. */
export interface SessionListReply {
  type: "session_list";
  /** newest first */
  sessions: SessionInfo[];
  /** for the next page; absent on the last */
  next_cursor?: string;
}

/** One session. */
export interface SessionGetReply {
  type: "session_get";
  /** the session */
  session: SessionInfo;
  /** ids of what it waits for */
  open_questions?: string[];
  /** where what is kept of it lies, on the machine of the engine */
  folder?: string;
  /** file with its own records, one a line; a fork's parents have files of their own */
  journal?: string;
}

/** Events after `since` follow on this connection. */
export interface SessionSubscribeReply {
  type: "session_subscribe";
  /** last record at this moment */
  last_seq: number;
  /** state at this moment */
  state: SessionState;
  /** the client that has claimed it, if one has */
  claimed_by?: string;
}

/** The new session. */
export interface SessionForkReply {
  type: "session_fork";
  /** its id */
  session: string;
}

/** The tags that the session has now. */
export interface SessionTagReply {
  type: "session_tag";
  /** in order */
  tags: string[];
}

/** Hits, best first. */
export interface SessionSearchReply {
  type: "session_search";
  /** best first */
  hits: SearchHit[];
}

/** The records, whole and in order. */
export interface SessionExportReply {
  type: "session_export";
  /** lines of the journal */
  records: string[];
  /** `since` of the next page; 0 on the last */
  next?: number;
}

/** Open questions of all sessions, oldest first. */
export interface ApprovalListReply {
  type: "approval_list";
  /** oldest first */
  questions: OpenQuestion[];
}

/** The answer is recorded. */
export interface ApprovalAnswerReply {
  type: "approval_answer";
  /** the session that asked */
  session: string;
  /** its Task goes on here */
  resumed: boolean;
}

/** What the servers offer. */
export interface ModelListReply {
  type: "model_list";
  /** by backend */
  models: ModelInfo[];
  /** backends that did not answer, and why */
  problems?: string[];
}

/** Backends in order of precedence. */
export interface BackendListReply {
  type: "backend_list";
  /** in order */
  backends: BackendInfo[];
}

/** The backend answered. */
export interface BackendTestReply {
  type: "backend_test";
  /** the model that was asked */
  model: string;
  /** how many models it lists */
  models: number;
  /** to the first byte of an answer */
  latency_ms: number;
  /** what the model said; absent when only the list was asked for */
  answer?: string;
}

/** Rows, largest first. */
export interface UsageReply {
  type: "usage";
  /** largest first */
  rows: UsageRow[];
}

/** The index was made anew from the streams. */
export interface IndexRebuildReply {
  type: "index_rebuild";
  /** sessions read */
  sessions: number;
  /** records read */
  records: number;
  /** damage that was met, with its place */
  problems?: string[];
}

/** What was brought back, or would be. */
export interface UndoReply {
  type: "undo";
  /** the Task or Turn before which they were so */
  to: string;
  /** files that get their former content */
  restored?: string[];
  /** files that did not exist then */
  removed?: string[];
  /** changed since by someone else, left alone */
  conflicts?: string[];
  /** what undo cannot bring back */
  not_covered?: string[];
  /** false: a dry run */
  done: boolean;
}

/** What the rules say, and which rule decided. */
export interface PolicyExplainReply {
  type: "policy_explain";
  /** allow, ask or deny */
  decision: string;
  /** the rule that decided */
  rule: string;
  /** where it stands: a file with its line, or "built in" */
  source: string;
  /** the rule's own words */
  reason?: string;
  /** the simple commands that a shell makes of it */
  commands?: string[];
  /** files of rules that do not count, and why */
  warnings?: string[];
}

/** How the examples of a rule file came out. */
export interface PolicyTestReply {
  type: "policy_test";
  /** rules of the file */
  rules: number;
  /** examples that were tried */
  examples: number;
  /** those that came out wrong, with their line */
  failures?: string[];
}

/** What a repository wants loaded or executed. */
export interface TrustListReply {
  type: "trust_list";
  /** the repository's root */
  root: string;
  /** sorted by path */
  items: TrustItem[];
}

/** What is wrong with the chains of a file. */
export interface ChainCheckReply {
  type: "chain_check";
  /** in the order of the file */
  findings?: ChainFinding[];
  /** of each chain, where no finding is an error */
  bounds?: ChainBound[];
}

/** A chain in another form. */
export interface ChainShowReply {
  type: "chain_show";
  /** as it was asked for */
  text: string;
}

/** The JSON Schema of workflow files. */
export interface ChainSchemaReply {
  type: "chain_schema";
  /** JSON Schema 2020-12, for editors */
  schema: unknown;
}

/** What the daemon does. */
export interface DaemonStatusReply {
  type: "daemon_status";
  /** version of its Lathe */
  version: string;
  /** connections, this one included */
  clients: number;
  /** those that are open in it */
  sessions: SessionInfo[];
  /** the TCP address at which it takes clients with a token */
  listen?: string;
  /** what is wrong with the person's files, with its place; what they said before holds */
  settings_problem?: string;
}

/** What the next daemon is to know. */
export interface DaemonHandOverReply {
  type: "daemon_hand_over";
  /** for it alone, in memory: what clients had lent, keys included */
  state: string;
  /** the TCP address at which clients were taken */
  listen?: string;
}

/** How the process that serves clients is. */
export interface VitalsReply {
  type: "vitals";
  /** processor, memory, files, disk */
  process: ProcessVitals;
  /** all that the data root has, by state */
  sessions: SessionCounts;
  /** those that are open in it */
  open_sessions: number;
  /** approvals and questions that wait for a person */
  open_questions: number;
  /** keepers of these sessions that are alive */
  keepers: number;
  /** connections, this one included */
  clients: number;
  /** what clients have still to take */
  queues: QueueVitals;
  /** microseconds for which its event loop was kept busy by one thing at most */
  longest_block_us: number;
  /** how often that was more than 50 ms */
  long_blocks: number;
}

export type AbortReason =
  | "interrupted"
  | "replaced"
  | "reconfigured"
  | "budget"
  | "repeated_call"
  | "approval_aborted"
  | "shutdown"
  | "crashed";

export type ApprovalPolicy =
  | "on-request"
  | "never"
  | "untrusted";

export type AskMode =
  | "deny"
  | "wait"
  | "client";

/** One configured or found backend. */
export interface BackendInfo {
  /** its name */
  name: string;
  /** openai, anthropic, ollama, … */
  type: string;
  /** wire format */
  provider: string;
  /** base URL */
  url: string;
  /** where the key is from; never the key */
  key_source?: string;
  /** config, environment or found */
  origin: string;
  /** used when no backend is named */
  is_default?: boolean;
}

/** A file and the content that an approval holds for. */
export interface BoundFile {
  /** absolute */
  path: string;
  /** of its content */
  sha256: string;
}

/** Ceilings of one Task. Absent means the default; zero means zero. */
export interface Budget {
  /** model requests (default 200) */
  turns?: number;
  /** tool calls (default 1,000) */
  tool_calls?: number;
  /** input and output tokens together (default: no limit) */
  tokens?: number;
  /** millionths of a US dollar (default: no limit) */
  micro_usd?: number;
  /** wall time in milliseconds (default: no limit) */
  millis?: number;
}

/** How a call ended and what the model is told. */
export interface CallOutcome {
  /** how it ended */
  status: CallStatus;
  /** exactly what the model sees: head and tail when it was long */
  output: string;
  /** bytes at the start of `output` that say how it went; what the call wrote follows */
  header_bytes?: number;
  /** SHA-256 of the whole output when `output` is cut */
  output_blob?: string;
  /** size of the whole output when `output` is cut */
  output_bytes?: number;
  /** how long it took */
  duration_ms?: number;
  /** images that the model sees with the output */
  images?: ContentPart[];
}

export type CallStatus =
  | "completed"
  | "failed"
  | "declined"
  | "timed_out"
  | "cancelled"
  | "interrupted";

/** The most that a run of a chain can spend. */
export interface ChainBound {
  /** its id */
  chain: string;
  /** a line for each kind, and the people who are asked */
  text: string;
}

/** Something that is wrong with a chain, and where. */
export interface ChainFinding {
  /** its class, as docs/reference/chains.md lists them */
  id: string;
  /** error or warning */
  severity: FindingSeverity;
  /** from 1 */
  line: number;
  /** from 1, in bytes */
  column: number;
  /** what is wrong */
  message: string;
  /** what to do about it */
  hint?: string;
}

export type ChainForm =
  | "text"
  | "mermaid"
  | "dot"
  | "svg"
  | "yaml";

export type ChangeKind =
  | "add"
  | "update"
  | "delete"
  | "move";

export type ContentPart =
  | TextPart
  | ImagePart;

export type ContextKind =
  | "environment"
  | "project_docs"
  | "user_context"
  | "nudge"
  | "interruption";

export type Decision =
  | "approved"
  | "approved_for_session"
  | "approved_always"
  | "denied"
  | "abort";

/** What a patch does to one file. */
export interface FileChange {
  /** relative to the session's folder where it is inside it */
  path: string;
  /** what happens to it */
  kind: ChangeKind;
  /** where a moved file goes */
  move_path?: string;
  /** unified diff; cut when it is long */
  diff?: string;
}

export type FindingSeverity =
  | "error"
  | "warning";

export type IfBusy =
  | "replace"
  | "steer"
  | "queue";

/** An image: a local file, a data: or https: URL, or (in events) a blob. */
export interface ImagePart {
  type: "image";
  /** a file that the engine reads */
  path?: string;
  /** data: or https: URL */
  image_url?: string;
  /** SHA-256 of the bytes in the blob store */
  blob?: string;
  /** image/png, image/jpeg, image/gif or image/webp */
  media_type?: string;
}

export type ItemStatus =
  | "complete"
  | "incomplete";

export type JobState =
  | "exited"
  | "killed"
  | "timed_out"
  | "lost";

/** One model of a backend. */
export interface ModelInfo {
  /** backend name */
  backend: string;
  /** model name */
  model: string;
  /** tokens; absent when unknown */
  context_window?: number;
  /** price of a million input tokens; absent when unknown */
  input_micro_usd_per_mtok?: number;
  /** price of a million output tokens; absent when unknown */
  output_micro_usd_per_mtok?: number;
  /** used when no model is named */
  is_default?: boolean;
}

export type NetworkMode =
  | "none"
  | "proxy"
  | "open";

/** A question that waits for a person. */
export interface OpenQuestion {
  /** the question's id */
  id: string;
  /** the session */
  session_id: string;
  /** type of the event that asked */
  kind: string;
  /** the command, the files, the tool or the question, in one line */
  what: string;
  /** why */
  reason?: string;
  /** what made it a question */
  rule?: string;
  /** unix milliseconds */
  asked_at: number;
  /** unix milliseconds; unanswered by then, it is denied */
  expires_at?: number;
}

export type OutputStream =
  | "stdout"
  | "stderr";

export type PlanStatus =
  | "pending"
  | "in_progress"
  | "completed";

/** One step of the model's plan. */
export interface PlanStep {
  /** what is to be done */
  step: string;
  /** how far it is */
  status: PlanStatus;
  /** its name in depends_on of other steps */
  id?: string;
  /** ids of steps that are completed before this one begins */
  depends_on?: string[];
}

/** What the process takes of the machine. */
export interface ProcessVitals {
  /** since it started */
  uptime_ms: number;
  /** processor time of all its threads */
  cpu_ms: number;
  /** resident memory */
  memory_bytes: number;
  /** descriptors */
  open_files: number;
  /** free for it where the data root lies */
  disk_free_bytes: number;
  /** size of that file system */
  disk_size_bytes: number;
}

/** One question to the person. */
export interface Question {
  /** the question */
  question: string;
  /** answers to choose from; free text is always possible */
  options?: string[];
}

/** Events that wait for clients to take them. */
export interface QueueVitals {
  /** in all queues */
  events: number;
  /** in all queues */
  bytes: number;
  /** in the deepest one */
  deepest_bytes: number;
  /** clients that have fallen behind and get nothing more until they subscribe again */
  lagging: number;
}

export type RollbackFiles =
  | "keep"
  | "restore";

/** How far back: to a bookmark, or over a number of Tasks. */
export interface RollbackTarget {
  /** the Turn that stays the last */
  response_id?: string;
  /** how many Tasks are taken back, with the compactions after them */
  tasks?: number;
}

export type SandboxMode =
  | "read-only"
  | "workspace-write"
  | "full-access";

/** One place where the words stand. */
export interface SearchHit {
  /** the session */
  session_id: string;
  /** the record */
  seq: number;
  /** the session's title */
  title: string;
  /** the record's type */
  type: string;
  /** text around the hit, the words in «» */
  snippet: string;
  /** unix milliseconds */
  ts: number;
}

/** How many sessions of the data root are in which state. */
export interface SessionCounts {
  /** nothing runs */
  idle: number;
  /** a Task runs */
  running: number;
  /** a Task waits for a person */
  parked: number;
  /** a Task was running when its process died */
  interrupted: number;
  /** the stream cannot be read to its end */
  damaged: number;
}

/** One line of a session list. */
export interface SessionInfo {
  /** UUIDv7 */
  session_id: string;
  /** given, or the first words said */
  title: string;
  /** folder */
  cwd: string;
  /** model name */
  model: string;
  /** backend name */
  backend: string;
  /** idle, running, parked, interrupted by a crash, or damaged */
  state: SessionState;
  /** unix milliseconds */
  created_at: number;
  /** unix milliseconds */
  updated_at: number;
  /** Tasks so far */
  tasks: number;
  /** last record */
  last_seq: number;
  /** tokens of all Tasks */
  usage: Usage;
  /** absent when any price is unknown */
  cost_micro_usd?: number;
  /** parent session */
  forked_from?: string;
  /** hidden from the list */
  archived?: boolean;
  /** a recording was played */
  replayed?: boolean;
  /** words that it was tagged with, in order */
  tags?: string[];
  /** a Task ended or parked in it that no person has looked at; never one of a sub-agent */
  unread?: boolean;
}

export type SessionState =
  | "idle"
  | "running"
  | "parked"
  | "interrupted"
  | "damaged";

/** Text. */
export interface TextPart {
  type: "text";
  /** the text, UTF-8 */
  text: string;
}

/** One tool call as the model asked for it. */
export interface ToolCall {
  /** unique in the session */
  call_id: string;
  /** the tool's name */
  tool: string;
  /** the arguments exactly as the model wrote them */
  arguments: string;
}

/** One thing that a repository wants loaded or executed. */
export interface TrustItem {
  /** from the repository's root */
  path: string;
  /** config, policy, chain, agent, skill, hook or mcp_server */
  kind: string;
  /** hash of its content */
  sha256: string;
  /** this very content is trusted */
  trusted: boolean;
  /** another content of it was trusted before */
  changed?: boolean;
  /** rules that were trusted and are no longer there; trust_set forgets them */
  gone?: boolean;
}

/** Tokens of one or many model requests. */
export interface Usage {
  /** all input, cached or not */
  input_tokens: number;
  /** of these, read from the provider's cache */
  cached_input_tokens?: number;
  /** of these, written to the provider's cache */
  cache_write_tokens?: number;
  /** all output, reasoning included */
  output_tokens: number;
  /** of these, reasoning */
  reasoning_tokens?: number;
}

/** Tokens and cost of one group. */
export interface UsageRow {
  /** the day (of UTC), model, session, folder or project */
  key: string;
  /** tokens */
  usage: Usage;
  /** absent when any price is unknown */
  cost_micro_usd?: number;
  /** Tasks */
  tasks: number;
}

export interface Ops {
  configure_session: ConfigureSessionOp;
  user_input: UserInputOp;
  interrupt: InterruptOp;
  approval: ApprovalOp;
  exec_approval: ExecApprovalOp;
  patch_approval: PatchApprovalOp;
  user_answer: UserAnswerOp;
  context: ContextOp;
  mention: MentionOp;
  terminal_input: TerminalInputOp;
  terminal_resize: TerminalResizeOp;
  set_model: SetModelOp;
  compact: CompactOp;
  rollback: RollbackOp;
  shutdown: ShutdownOp;
}

export interface Events {
  session_configured: SessionConfiguredEvent;
  forked_from: ForkedFromEvent;
  task_started: TaskStartedEvent;
  user_message: UserMessageEvent;
  context_added: ContextAddedEvent;
  agent_message: AgentMessageEvent;
  agent_message_delta: AgentMessageDeltaEvent;
  agent_reasoning: AgentReasoningEvent;
  agent_reasoning_delta: AgentReasoningDeltaEvent;
  item_reset: ItemResetEvent;
  tool_calls: ToolCallsEvent;
  exec_command_begin: ExecCommandBeginEvent;
  exec_command_output_delta: ExecCommandOutputDeltaEvent;
  exec_command_end: ExecCommandEndEvent;
  patch_apply_begin: PatchApplyBeginEvent;
  patch_apply_end: PatchApplyEndEvent;
  tool_call_begin: ToolCallBeginEvent;
  tool_call_end: ToolCallEndEvent;
  exec_approval_request: ExecApprovalRequestEvent;
  apply_patch_approval_request: ApplyPatchApprovalRequestEvent;
  approval_request: ApprovalRequestEvent;
  approval_resolved: ApprovalResolvedEvent;
  user_question: UserQuestionEvent;
  user_question_answered: UserQuestionAnsweredEvent;
  turn_complete: TurnCompleteEvent;
  turn_aborted: TurnAbortedEvent;
  turn_diff: TurnDiffEvent;
  task_parked: TaskParkedEvent;
  task_resumed: TaskResumedEvent;
  task_complete: TaskCompleteEvent;
  token_count: TokenCountEvent;
  budget: BudgetEvent;
  plan_update: PlanUpdateEvent;
  compacted: CompactedEvent;
  stream_error: StreamErrorEvent;
  session_updated: SessionUpdatedEvent;
  rolled_back: RolledBackEvent;
  job_end: JobEndEvent;
  agent_started: AgentStartedEvent;
  agent_ended: AgentEndedEvent;
  network_decision: NetworkDecisionEvent;
  workspace_snapshot: WorkspaceSnapshotEvent;
  files_restored: FilesRestoredEvent;
  warning: WarningEvent;
  error: ErrorEvent;
  lagged: LaggedEvent;
  shutdown_complete: ShutdownCompleteEvent;
  session_changed: SessionChangedEvent;
}

export interface Calls {
  hello: { call: HelloCall; reply: HelloReply };
  session_list: { call: SessionListCall; reply: SessionListReply };
  session_get: { call: SessionGetCall; reply: SessionGetReply };
  session_subscribe: { call: SessionSubscribeCall; reply: SessionSubscribeReply };
  session_unsubscribe: { call: SessionUnsubscribeCall; reply: OkReply };
  session_claim: { call: SessionClaimCall; reply: OkReply };
  session_fork: { call: SessionForkCall; reply: SessionForkReply };
  session_archive: { call: SessionArchiveCall; reply: OkReply };
  session_tag: { call: SessionTagCall; reply: SessionTagReply };
  session_mark_read: { call: SessionMarkReadCall; reply: OkReply };
  session_remove: { call: SessionRemoveCall; reply: OkReply };
  session_search: { call: SessionSearchCall; reply: SessionSearchReply };
  session_export: { call: SessionExportCall; reply: SessionExportReply };
  approval_list: { call: ApprovalListCall; reply: ApprovalListReply };
  approval_answer: { call: ApprovalAnswerCall; reply: ApprovalAnswerReply };
  model_list: { call: ModelListCall; reply: ModelListReply };
  backend_list: { call: BackendListCall; reply: BackendListReply };
  backend_test: { call: BackendTestCall; reply: BackendTestReply };
  usage: { call: UsageCall; reply: UsageReply };
  index_rebuild: { call: IndexRebuildCall; reply: IndexRebuildReply };
  undo: { call: UndoCall; reply: UndoReply };
  policy_explain: { call: PolicyExplainCall; reply: PolicyExplainReply };
  policy_test: { call: PolicyTestCall; reply: PolicyTestReply };
  trust_list: { call: TrustListCall; reply: TrustListReply };
  trust_set: { call: TrustSetCall; reply: TrustListReply };
  chain_check: { call: ChainCheckCall; reply: ChainCheckReply };
  chain_show: { call: ChainShowCall; reply: ChainShowReply };
  chain_schema: { call: ChainSchemaCall; reply: ChainSchemaReply };
  daemon_status: { call: DaemonStatusCall; reply: DaemonStatusReply };
  daemon_reload: { call: DaemonReloadCall; reply: OkReply };
  daemon_stop: { call: DaemonStopCall; reply: OkReply };
  daemon_hand_over: { call: DaemonHandOverCall; reply: DaemonHandOverReply };
  vitals: { call: VitalsCall; reply: VitalsReply };
  watch: { call: WatchCall; reply: OkReply };
}

/** The session that was made. */
export interface AgentruntimeCreated {
  /** its id */
  session_id: string;
  /** what the client gave it */
  task_id?: string;
  /** native */
  agent: string;
  /** local */
  runtime: string;
  /** running */
  status: AgentruntimeStatus;
  /** where it can be watched and steered */
  ws_url: string;
  /** where its log is */
  log_url: string;
}

/** The session that was ended. */
export interface AgentruntimeEnded {
  /** its id */
  session_id: string;
  /** how it ended */
  status: AgentruntimeStatus;
}

/** What is answered to a request that is refused. */
export interface AgentruntimeError {
  /** what failed, for a person */
  error: string;
  /** stable name */
  code: string;
  /** the same may succeed later as it is */
  retryable: boolean;
}

/** One session, with the addresses that lead to it. */
export interface AgentruntimeInfo {
  /** its id */
  session_id: string;
  /** what the client gave it */
  task_id?: string;
  /** native */
  agent: string;
  /** local */
  runtime: string;
  /** where it stands */
  status: AgentruntimeStatus;
  /** once it has ended: that of lathe exec */
  exit_code?: number;
  /** RFC 3339, once it has ended */
  ended_at?: string;
  /** RFC 3339 */
  created_at: string;
  /** RFC 3339 */
  last_activity: string;
  /** folder in which it works */
  work_dir: string;
  /** folder in which it is kept */
  session_dir: string;
  /** its journal: the records of which its log is made */
  log_file: string;
  /** where it can be watched and steered */
  ws_url: string;
  /** where its log is */
  log_url: string;
  /** of all Tasks */
  input_tokens: number;
  /** of all Tasks */
  output_tokens: number;
  /** absent when any price is unknown */
  cost_usd?: number;
  /** calls that the model asked for */
  tool_call_count: number;
}

/** The folder in which the agent works. */
export interface AgentruntimeMount {
  /** what work_dir would be */
  host: string;
  /** /workspace */
  container: string;
  /** rw */
  mode?: string;
  /** bind */
  type?: string;
}

/** What the native agent honours of a SessionRequest. */
export interface AgentruntimeSessionRequest {
  /** native */
  agent: string;
  /** local */
  runtime?: string;
  /** what it is to do; may be absent only when it is interactive */
  prompt?: string;
  /** goes on until it is deleted */
  interactive?: boolean;
  /** id of a session that is to go on */
  resume_session?: string;
  /** every session is kept */
  persist_session?: boolean;
  /** absolute folder in which it works; needed unless a session is to go on, which stays in its own without it */
  work_dir?: string;
  /** one at most, as another word for work_dir */
  mounts?: AgentruntimeMount[];
  /** model name, or backend/model */
  model?: string;
  /** for lists */
  name?: string;
  /** of each Task: 90s, 5m, 1h30m */
  timeout?: string;
  /** the session is tagged task_id=… */
  task_id?: string;
  /** an object of strings; the session is tagged name=value */
  tags?: unknown;
  /** an object of strings: for commands of the session beside what the daemon has around it, and keys of backends; needs the scope admin */
  env?: unknown;
}

/** One session, with what it used. */
export interface AgentruntimeSnapshot {
  /** its id */
  id: string;
  /** what the client gave it */
  task_id?: string;
  /** those of the form name=value */
  tags?: unknown;
  /** native */
  agent_name: string;
  /** local */
  runtime_name: string;
  /** folder in which it works */
  work_dir: string;
  /** folder in which it is kept */
  session_dir: string;
  /** where it stands */
  state: AgentruntimeStatus;
  /** once it has ended: that of lathe exec */
  exit_code?: number;
  /** RFC 3339, once it has ended */
  ended_at?: string;
  /** RFC 3339 */
  created_at: string;
  /** RFC 3339 */
  last_activity: string;
  /** of all Tasks */
  input_tokens: number;
  /** of all Tasks */
  output_tokens: number;
  /** absent when any price is unknown */
  cost_usd?: number;
  /** calls that the model asked for */
  tool_call_count: number;
}

export type AgentruntimeStatus =
  | "pending"
  | "running"
  | "completed"
  | "failed";

/** One line of a list. */
export interface AgentruntimeSummary {
  /** its id */
  session_id: string;
  /** what the client gave it */
  task_id?: string;
  /** those of the form name=value */
  tags?: unknown;
  /** native */
  agent: string;
  /** local */
  runtime: string;
  /** where it stands */
  status: AgentruntimeStatus;
  /** RFC 3339 */
  created_at: string;
}

/** Who answers. */
export interface Health {
  /** ok */
  status: string;
  /** of this Lathe */
  version: string;
  /** where agents run */
  runtime: string;
  /** where agents run unless it is said */
  default_runtime: string;
  /** where they can */
  runtimes: string[];
  /** what can run a session */
  agents: HealthAgent[];
}

/** What runs a session. */
export interface HealthAgent {
  /** as POST /sessions takes it */
  name: string;
  /** sessions can be made with it */
  usable: boolean;
}

/** The op is recorded. */
export interface HttpAck {
  /** the session that it reached */
  session: string;
  /** the record that acknowledges it */
  seq: number;
}

/** What is answered to a request that is refused. */
export interface HttpError {
  /** why */
  error: HttpErrorDetail;
}

/** Why not. */
export interface HttpErrorDetail {
  /** stable name */
  code: string;
  /** what failed, for a person */
  message: string;
  /** what to do */
  hint?: string;
  /** the same may succeed later as it is */
  retryable: boolean;
}

/** Routes that answer JSON and are neither calls nor ops. */
export interface Routes {
  /** Who answers. */
  "GET /health": { path: {}; query: {}; body: undefined; answer: Health };
  /** Makes a session, or goes on with one, and says the prompt; answers before the agent does. */
  "POST /sessions": { path: {}; query: {}; body: AgentruntimeSessionRequest; answer: AgentruntimeCreated };
  /** Sessions that were not deleted, newest first. */
  "GET /sessions": { path: {}; query: { limit?: number; }; body: undefined; answer: AgentruntimeSummary[] };
  /** Sessions that have ended, deleted ones too, newest first. */
  "GET /sessions/history": { path: {}; query: { limit?: number; }; body: undefined; answer: AgentruntimeSummary[] };
  /** One session, with what it used. */
  "GET /sessions/{session}": { path: { session: string; }; query: {}; body: undefined; answer: AgentruntimeSnapshot };
  /** One session, with the addresses that lead to it. */
  "GET /sessions/{session}/info": { path: { session: string; }; query: {}; body: undefined; answer: AgentruntimeInfo };
  /** Ends the session; its log stays. */
  "DELETE /sessions/{session}": { path: { session: string; }; query: {}; body: undefined; answer: AgentruntimeEnded };
}
