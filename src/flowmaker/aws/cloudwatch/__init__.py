"""Amazon CloudWatch: metrics, those that are put and those that other parts of the server have.

Contract: the API reference of ListMetrics, GetMetricData, GetMetricStatistics and PutMetricData.
There are no alarms, dashboards or streams of metrics.
"""
