// Statistics of counts (`vedette/counts`): for detectors of how often something happens, and how often it fails.
export { Columns, type SavedColumns } from "./columns.ts";
export { commonRate, Discoveries, discoveryRate, type Explored, seenAgain } from "./discoveries.ts";
export { rateLasts } from "./rate_incident.ts";
export { paceOf, RATE_STATE, type RateState } from "./rate_state.ts";
export { judgeRate, rate } from "./rates.ts";
export { ratioLasts } from "./ratio_incident.ts";
export { RATIO_STATE, type RatioState } from "./ratio_state.ts";
export { judgeRatio, ratio } from "./ratios.ts";
export { betaBinomialAbove, negativeBinomialAbove, negativeBinomialBelow } from "./tails.ts";
