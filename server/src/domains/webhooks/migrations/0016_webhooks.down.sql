-- sealbase: loses-data ops.webhooks
drop table ops.webhooks;
