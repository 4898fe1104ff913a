export async function metricsFromLogs() { return 'todo'; }
