// One rate of POST /v1/rank, evenly spaced, whether or not earlier ones were answered; the first
// WARM_S seconds are not told. `scenario` tags are told apart in the summary only where a threshold
// names them.
import http from 'k6/http';
import exec from 'k6/execution';
import { SharedArray } from 'k6/data';

const bodies = new SharedArray('bodies', () => JSON.parse(open(__ENV.BODIES)));
const url = `${__ENV.URL}/v1/rank`;
const params = { headers: { 'Content-Type': 'application/json' }, timeout: '2s' };

function arrivals(seconds, startTime) {
  return {
    executor: 'constant-arrival-rate',
    rate: Number(__ENV.RATE),
    timeUnit: '1s',
    duration: `${seconds}s`,
    startTime,
    gracefulStop: '2s',
    preAllocatedVUs: Number(__ENV.VUS),
    maxVUs: Number(__ENV.VUS),
  };
}

export const options = {
  discardResponseBodies: true,
  summaryTrendStats: ['count', 'med', 'p(99)', 'max'],
  scenarios: {
    warm: arrivals(__ENV.WARM_S, '0s'),
    steady: arrivals(__ENV.SECONDS, `${__ENV.WARM_S}s`),
  },
  thresholds: {
    'http_req_duration{scenario:steady}': ['max>=0'],
    'iteration_duration{scenario:steady}': ['max>=0'],
    'http_req_failed{scenario:steady}': ['rate<=1'],
  },
};

export default function () {
  http.post(url, bodies[exec.scenario.iterationInTest % bodies.length], params);
}

export function handleSummary(data) {
  return { [__ENV.SUMMARY]: JSON.stringify(data) };
}
