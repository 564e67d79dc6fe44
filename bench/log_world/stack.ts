// Traces of stacks as Java and Python print them: the same places with a few ways to them.
import type { Chance } from "../world/chance.ts";

const EXCEPTIONS = {
  java: "java.lang.IllegalStateException java.net.SocketTimeoutException java.sql.SQLTransientException java.io.IOException".split(
    " ",
  ),
  python: "ValueError KeyError TimeoutError requests.exceptions.ConnectionError sqlalchemy.exc.OperationalError".split(
    " ",
  ),
};
const FRAMEWORK = [
  "org.springframework.web.servlet.FrameworkServlet.service(FrameworkServlet.java:883)",
  "org.apache.catalina.core.ApplicationFilterChain.doFilter(ApplicationFilterChain.java:166)",
  "org.apache.coyote.http11.Http11Processor.service(Http11Processor.java:390)",
  "org.apache.tomcat.util.threads.ThreadPoolExecutor$Worker.run(ThreadPoolExecutor.java:659)",
  "java.base/java.lang.Thread.run(Thread.java:840)",
];
const VARIANTS = 3;

/** Some that one statement may come with. */
export function stacksOf(language: "java" | "python", service: string, logger: string, chance: Chance): string[] {
  const exceptions = EXCEPTIONS[language];
  const exception = exceptions[chance.whole(exceptions.length)];
  const deep = 3 + chance.whole(8);
  const lines = Array.from({ length: deep }, () => 10 + chance.whole(900));
  return Array.from({ length: VARIANTS }, (_, variant) => {
    // a way that is a little longer for each variant
    const own = lines.slice(0, deep - variant);
    if (language === "java") return java(exception, service, logger, own, chance.whole(1e6));
    return python(exception, service, logger, own);
  });
}

function java(exception: string, service: string, logger: string, lines: readonly number[], proxy: number): string {
  const own = lines.map((line, i) => `\tat com.shop.${service}.${logger}.step${i}(${logger}.java:${line})`);
  own.splice(1, 0, `\tat com.shop.${service}.${logger}$$Lambda/0x${proxy.toString(16)}.call(Unknown Source)`);
  const frames = FRAMEWORK.map((frame) => `\tat ${frame}`);
  const cause = lines.length > 5 ? ["Caused by: java.io.IOException: Broken pipe", own[0], "\t... 7 more"] : [];
  return [`${exception}: cannot go on`, ...own, ...frames, ...cause].join("\n");
}

function python(exception: string, service: string, logger: string, lines: readonly number[]): string {
  const frames = lines.flatMap((line, i) => [
    `  File "/app/${service}/${logger.toLowerCase()}.py", line ${line}, in step_${i}`,
    `    return self.step_${i + 1}(request)`,
  ]);
  return ["Traceback (most recent call last):", ...frames, `${exception}: cannot go on`].join("\n");
}
