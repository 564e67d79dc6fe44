// What Prometheus calls the units of OpenTelemetry: "Prometheus and OpenMetrics compatibility" of its specification.

/** UCUM units with a word of their own in names of metrics. "1" is a ratio of gauges only, {annotations} have none. */
export const UNIT_WORDS: Readonly<Record<string, string>> = {
  d: "days",
  h: "hours",
  min: "minutes",
  s: "seconds",
  ms: "milliseconds",
  us: "microseconds",
  ns: "nanoseconds",
  By: "bytes",
  KiBy: "kibibytes",
  MiBy: "mebibytes",
  GiBy: "gibibytes",
  KBy: "kilobytes",
  MBy: "megabytes",
  GBy: "gigabytes",
  m: "meters",
  V: "volts",
  A: "amperes",
  J: "joules",
  W: "watts",
  g: "grams",
  Hz: "hertz",
  Cel: "celsius",
  "%": "percent",
};
